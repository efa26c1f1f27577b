package main

import (
	"context"
	"fmt"
	"time"

	"docket/bench/load"
	"docket/bench/process"
	"docket/bench/report"
)

// warm is how long each is asked before it is measured.
const warm = 300 * time.Millisecond

// bench is who is measured, and what with.
type bench struct {
	options
	chosen []workload
	all    []*contestant
}

// measure goes round: each repeat asks each workload of everyone in turn, so
// that who is compared is measured within seconds of each other. Who comes
// first changes, as the first finds the machine as another workload left it.
func (b *bench) measure(ctx context.Context) ([]report.Cell, error) {
	cells := map[string]*report.Cell{}
	var order []*report.Cell
	for repeat := range b.repeats {
		for _, w := range b.chosen {
			for _, workers := range b.workers {
				for i := range b.all {
					c := b.all[(i+repeat)%len(b.all)]
					s, err := b.sample(ctx, w, c, workers)
					if err != nil {
						return nil, fmt.Errorf("%s of %s: %w", w.name, c.Name, err)
					}
					key := fmt.Sprint(w.name, c.Name, workers)
					if cells[key] == nil {
						cells[key] = &report.Cell{Workload: w.name, Peer: c.Name, Workers: workers}
						order = append(order, cells[key])
					}
					cells[key].Samples = append(cells[key].Samples, s)
				}
			}
		}
		fmt.Printf("repeat %d of %d done\n", repeat+1, b.repeats)
	}
	var out []report.Cell
	for _, c := range order {
		out = append(out, *c)
	}
	return out, nil
}

// sample is one measurement.
func (b *bench) sample(ctx context.Context, w workload, c *contestant, workers int) (report.Sample, error) {
	bodies, err := c.bodies(w, b.data)
	if err != nil {
		return report.Sample{}, err
	}
	l := load.Load{URL: c.url, Bodies: bodies, Once: w.once, Workers: workers, For: min(warm, span(b.seconds)), Check: w.check}
	before, err := l.Run(ctx)
	if err != nil {
		return report.Sample{}, err
	}
	l.Skip, l.For = before.Next, span(b.seconds)
	server, database := process.CPU(c.PID), b.database(c)
	r, err := l.Run(ctx)
	if err != nil {
		return report.Sample{}, err
	}
	server, database = process.CPU(c.PID)-server, b.database(c)-database
	s := report.Sample{
		Requests: r.Requests, Failed: r.Failed + before.Failed,
		Server: micros(server, r.Requests), Database: micros(database, r.Requests),
		Rate: r.Rate(), P50: millis(r.Latency(0.5)), P99: millis(r.Latency(0.99)),
		Memory: float64(process.PSS(c.PID)) / (1 << 20),
	}
	if r.Failure != nil {
		fmt.Printf("%s of %s, %d workers: %d failed: %v\n", w.name, c.Name, workers, r.Failed, r.Failure)
	}
	if !w.writes {
		return s, nil
	}
	if err := b.single(ctx, w, c); err != nil {
		return s, err
	}
	return s, c.store.reset(ctx, b.data)
}

// database is what the database server has used, if there is one.
func (b *bench) database(c *contestant) time.Duration {
	if c.store.pid == 0 {
		return 0
	}
	return process.CPU(c.store.pid)
}

// single fails where a slot that many wanted has not exactly one holder.
func (b *bench) single(ctx context.Context, w workload, c *contestant) error {
	if w.refused == "" {
		return nil
	}
	n, err := c.store.live(ctx, w.inputs(b.data)[0].Appointment)
	if err == nil && n != 1 {
		err = fmt.Errorf("the slot has %d holders", n)
	}
	return err
}

// statements counts those of each workload for everyone.
func (b *bench) statements(ctx context.Context) (counts map[string]float64, err error) {
	const requests = 10
	counts = map[string]float64{}
	for _, w := range b.chosen {
		for _, c := range b.all {
			bodies, err := c.bodies(w, b.data)
			if err != nil {
				return nil, err
			}
			l := load.Load{URL: c.url, Bodies: bodies, Once: w.once, Workers: 1, Most: requests, For: time.Minute, Check: w.check}
			counts[w.name+c.Name], err = c.store.count(ctx, requests, func() error {
				r, err := l.Run(ctx)
				if err == nil && r.Failed > 0 {
					err = r.Failure
				}
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", w.name, c.Name, err)
			}
			if w.writes {
				if err := c.store.reset(ctx, b.data); err != nil {
					return nil, err
				}
			}
		}
	}
	return counts, nil
}

func micros(d time.Duration, n int) float64 {
	return float64(d.Microseconds()) / float64(max(n, 1))
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
