package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"docket/bench/report"
)

// run measures and writes the report. What it starts has ended when it returns.
func run(ctx context.Context, o options) error {
	r, err := measured(ctx, o)
	if err != nil || o.out == "" {
		return err
	}
	return report.Write(o.out, r)
}

func measured(ctx context.Context, o options) (report.Run, error) {
	r := report.Run{
		Command: o.command, At: time.Now().UTC(), Scale: o.scale, Seconds: o.seconds, Repeats: o.repeats,
		Rows: [4]int{o.data.Providers, o.data.Clients(), o.data.Appointments(), o.data.Reservations()},
	}
	b := &bench{options: o}
	for _, name := range o.workloads {
		i := slices.IndexFunc(workloads, func(w workload) bool { return w.name == name })
		if i < 0 {
			return r, fmt.Errorf("workloads: %q is none of %v", name, names())
		}
		b.chosen = append(b.chosen, workloads[i])
		r.Workloads = append(r.Workloads, report.Workload{Name: name, Title: workloads[i].title})
	}
	dir, err := os.MkdirTemp("", "docket-bench-")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	made, err := build(ctx, o, dir)
	if err != nil {
		return r, err
	}
	stores, err := b.open(ctx, made)
	defer func() {
		b.stop()
		for _, s := range stores {
			s.close()
		}
	}()
	if err != nil {
		return r, err
	}
	r.Machine = machine(ctx, stores)
	if err := agree(ctx, o, b.chosen, b.all); err != nil {
		return r, err
	}
	counts, err := b.counted(ctx, stores)
	if err != nil {
		return r, err
	}
	cells, err := b.measure(ctx)
	for _, c := range cells {
		c.Statements = counts[c.Workload+c.Peer]
		r.Cells = append(r.Cells, c)
	}
	for _, c := range b.all {
		r.Peers = append(r.Peers, report.Peer{
			Name: c.Name, Database: c.store.kind, Version: c.Version, Ready: millis(c.ready), Loaded: c.store.loaded.Seconds(),
		})
	}
	return r, err
}

// open makes the databases that the peers need, and starts the peers.
func (b *bench) open(ctx context.Context, made programs) (stores []*store, err error) {
	open := map[bool]func(context.Context, options, string) (*store, error){false: openPostgres, true: openSQLite}
	on := map[bool]*store{}
	for _, name := range b.peers {
		p, err := made.peer(ctx, name)
		if err != nil {
			return stores, err
		}
		lite := strings.HasSuffix(name, "-sqlite")
		if on[lite] == nil {
			if on[lite], err = open[lite](ctx, b.options, made.docket); err != nil {
				return stores, err
			}
			stores = append(stores, on[lite])
		}
		c, err := start(ctx, p, on[lite], made.dir)
		if err != nil {
			return stores, err
		}
		b.all = append(b.all, c)
		fmt.Printf("%s answers after %v\n", c.Name, c.ready.Round(time.Millisecond))
	}
	return stores, nil
}

// counted is statements with the counting on.
func (b *bench) counted(ctx context.Context, stores []*store) (map[string]float64, error) {
	for _, s := range stores {
		if err := s.counting(ctx, "top"); err != nil {
			return nil, err
		}
	}
	counts, err := b.statements(ctx)
	for _, s := range stores {
		if err == nil {
			err = s.counting(ctx, "none")
		}
	}
	return counts, err
}

// stop ends the peers.
func (b *bench) stop() {
	for _, c := range b.all {
		c.Stop()
	}
}
