// Package report is what a run has measured, and how it is shown.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Run is one run of the benchmark, as it is kept beside the report.
type Run struct {
	Command   string
	At        time.Time
	Machine   []string
	Scale     int
	Rows      [4]int // of providers, clients, appointments, reservations
	Seconds   float64
	Repeats   int
	Workloads []Workload
	Peers     []Peer
	Cells     []Cell
}

// Workload is what was asked.
type Workload struct{ Name, Title string }

// Peer is who was asked.
type Peer struct {
	Name, Database, Version string
	Ready                   float64 // ms from the start to the first answer
	Loaded                  float64 // s that the data set took
}

// Cell is what one peer did for one workload with so many workers.
type Cell struct {
	Workload, Peer string
	Workers        int
	Statements     float64 // per request
	Samples        []Sample
}

// Sample is one measurement. Server and Database are µs of CPU per request,
// P50 and P99 ms, Memory MiB.
type Sample struct {
	Requests, Failed                         int
	Server, Database, Rate, P50, P99, Memory float64
}

// CPU is what a request cost in all.
func (s Sample) CPU() float64 { return s.Server + s.Database }

// median takes the sample in the middle by its CPU for what goes together, and
// the median of each of the others.
func (c Cell) median() Sample {
	middle := func(of func(Sample) float64) float64 {
		values := make([]float64, len(c.Samples))
		for i, s := range c.Samples {
			values[i] = of(s)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	sorted := slices.SortedFunc(slices.Values(c.Samples), func(a, b Sample) int {
		switch {
		case a.CPU() < b.CPU():
			return -1
		case a.CPU() > b.CPU():
			return 1
		}
		return 0
	})
	m := sorted[len(sorted)/2]
	m.Rate = middle(func(s Sample) float64 { return s.Rate })
	m.P50 = middle(func(s Sample) float64 { return s.P50 })
	m.P99 = middle(func(s Sample) float64 { return s.P99 })
	m.Memory = middle(func(s Sample) float64 { return s.Memory })
	m.Failed = 0
	for _, s := range c.Samples {
		m.Failed += s.Failed
	}
	return m
}

// at is the median of a peer's measurements, or false where there are none.
func (r Run) at(workload, peer string, workers int) (Sample, bool) {
	for _, c := range r.Cells {
		if c.Workload == workload && c.Peer == peer && c.Workers == workers && len(c.Samples) > 0 {
			return c.median(), true
		}
	}
	return Sample{}, false
}

// workers are the numbers of them that were measured.
func (r Run) workers() []int {
	var all []int
	for _, c := range r.Cells {
		if !slices.Contains(all, c.Workers) {
			all = append(all, c.Workers)
		}
	}
	slices.Sort(all)
	return all
}

// usual is the number of workers that the short tables show: 16, if measured.
func (r Run) usual() int {
	all := r.workers()
	if len(all) == 0 || slices.Contains(all, 16) {
		return 16
	}
	return all[len(all)/2]
}

// Write keeps the run in dir/benchmarks, in place of the last one of its
// scale, and writes dir/benchmarks.md anew from all that are kept there.
func Write(dir string, r Run) error {
	folder := filepath.Join(dir, "benchmarks")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("scale-%d.json", r.Scale)), append(text, '\n'), 0o644); err != nil {
		return err
	}
	runs, err := read(folder)
	if err != nil {
		return err
	}
	page, charts := render(runs)
	err = os.WriteFile(filepath.Join(dir, "benchmarks.md"), page, 0o644)
	for name, chart := range charts {
		err = errors.Join(err, os.WriteFile(filepath.Join(folder, name), chart, 0o644))
	}
	return err
}

// read returns what is kept, the smallest scale first.
func read(folder string) ([]Run, error) {
	files, err := filepath.Glob(filepath.Join(folder, "scale-*.json"))
	if err != nil {
		return nil, err
	}
	var runs []Run
	for _, file := range files {
		var r Run
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(a, b Run) int { return a.Scale - b.Scale })
	return runs, nil
}
