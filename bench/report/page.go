package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
)

// intro is what the page says before the figures, whoever has measured them.
//
//go:embed intro.md
var intro string

// page is Markdown that grows.
type page struct{ bytes.Buffer }

func (p *page) say(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// row is one of a table.
func (p *page) row(cells ...string) { p.say("| %s |\n", strings.Join(cells, " | ")) }

// head is a table's, its first columns texts and the others numbers.
func (p *page) head(texts int, cells ...string) {
	p.say("\n")
	p.row(cells...)
	marks := make([]string, len(cells))
	for i := range marks {
		marks[i] = "--:"
		if i < texts {
			marks[i] = "---"
		}
	}
	p.row(marks...)
}

// render writes the page and its charts. The first run is the one it is about.
func render(runs []Run) (text []byte, charts map[string][]byte) {
	r := runs[0]
	var p page
	p.say("%s\n", intro)
	p.say("`%s`, %s, the data set × %d: %d providers, %d clients, %d appointments, %d reservations. %s.\nMedians of %d measurements of %g s each.\n",
		r.Command, r.At.Format("2 January 2006"), r.Scale, r.Rows[0], r.Rows[1], r.Rows[2], r.Rows[3],
		strings.Join(r.Machine, ", "), r.Repeats, r.Seconds)
	p.summary(r)
	p.say("\n![CPU per request](benchmarks/cpu.svg)\n\n![Requests per second](benchmarks/rate.svg)\n\n![99 %% of answers within](benchmarks/p99.svg)\n")
	p.servers(r)
	charts = map[string][]byte{
		"cpu.svg": cpuChart(r), "rate.svg": rateChart(r), "p99.svg": latencyChart(r),
	}
	if len(runs) > 1 {
		p.growth(runs)
		charts["growth.svg"] = growthChart(runs)
	}
	p.details(r)
	return p.Bytes(), charts
}

// summary has CPU per request: of everyone, and as a multiple of the floor's.
func (p *page) summary(r Run) {
	p.say("\n## CPU per request, %d at a time\n\nµs of the server + µs of the database; × is the sum against the floor's on the same database.\n", r.usual())
	head := []string{"workload"}
	for _, peer := range r.Peers {
		head = append(head, peer.Name)
	}
	p.head(1, head...)
	for _, w := range r.Workloads {
		cells := []string{w.Name + " " + w.Title}
		for _, peer := range r.Peers {
			cells = append(cells, r.cost(w.Name, peer))
		}
		p.row(cells...)
	}
}

// cost is a cell of the summary.
func (r Run) cost(workload string, peer Peer) string {
	s, ok := r.at(workload, peer.Name, r.usual())
	if !ok {
		return "–"
	}
	text := fmt.Sprintf("%.0f + %.0f", s.Server, s.Database)
	if peer.Database != "PostgreSQL" {
		text = fmt.Sprintf("%.0f", s.Server)
	}
	if x, ok := r.times(workload, peer, r.usual()); ok {
		text += fmt.Sprintf(" (%.2f ×)", x)
	}
	return text
}

// times is what a peer needs as a multiple of the floor's on its database.
func (r Run) times(workload string, peer Peer, workers int) (float64, bool) {
	s, ok := r.at(workload, peer.Name, workers)
	for _, other := range r.Peers {
		if strings.HasPrefix(other.Name, "floor") && other.Database == peer.Database && other.Name != peer.Name && ok {
			floor, ok := r.at(workload, other.Name, workers)
			return s.CPU() / floor.CPU(), ok && floor.CPU() > 0
		}
	}
	return 0, false
}

// servers is what does not depend on the workload, or is its worst.
func (p *page) servers(r Run) {
	p.say("\n## Servers\n\nFrom the start of the process to its first answer, on a database that is there; and the most memory (PSS) of its\nprocesses after any measurement, the database's not counted.\n")
	p.head(3, "server", "database", "version", "first answer, ms", "memory, MiB")
	for _, peer := range r.Peers {
		most := 0.0
		for _, c := range r.Cells {
			for _, s := range c.Samples {
				if c.Peer == peer.Name {
					most = max(most, s.Memory)
				}
			}
		}
		p.row(peer.Name, peer.Database, peer.Version, fmt.Sprintf("%.0f", peer.Ready), fmt.Sprintf("%.0f", most))
	}
}

// growth is CPU per request at each scale.
func (p *page) growth(runs []Run) {
	p.say("\n## Growth\n\nµs of CPU per request, server and database, %d at a time; × is against the smallest data set. These are separate runs:\nhow far the floor moved says how alike the machine was.\n\n![Growth](benchmarks/growth.svg)\n", runs[0].usual())
	head := []string{"workload", "server"}
	for _, r := range runs {
		head = append(head, fmt.Sprintf("× %d", r.Scale))
	}
	p.head(2, head...)
	for _, w := range runs[0].Workloads {
		for _, peer := range runs[0].Peers {
			first, ok := runs[0].at(w.Name, peer.Name, runs[0].usual())
			if !ok || first.CPU() == 0 {
				continue
			}
			cells := []string{w.Name, peer.Name}
			for _, r := range runs {
				text := "–"
				if s, ok := r.at(w.Name, peer.Name, r.usual()); ok {
					text = fmt.Sprintf("%.0f (%.2f ×)", s.CPU(), s.CPU()/first.CPU())
				}
				cells = append(cells, text)
			}
			p.row(cells...)
		}
	}
}

// details is everything.
func (p *page) details(r Run) {
	p.say("\n## All figures\n\nStatements are those that PostgreSQL counts: one that fails is not among them.\n")
	for _, w := range r.Workloads {
		p.say("\n### %s: %s\n", w.Name, w.Title)
		p.head(1, "server", "at a time", "server, µs", "database, µs", "× floor", "per second", "p50, ms", "p99, ms", "memory, MiB", "statements", "failed")
		for _, c := range r.Cells {
			if c.Workload != w.Name {
				continue
			}
			s, x, statements := c.median(), "", ""
			for _, peer := range r.Peers {
				if peer.Name != c.Peer {
					continue
				}
				if times, ok := r.times(w.Name, peer, c.Workers); ok {
					x = fmt.Sprintf("%.2f", times)
				}
				if peer.Database == "PostgreSQL" {
					statements = fmt.Sprintf("%.4g", c.Statements)
				}
			}
			p.row(c.Peer, fmt.Sprint(c.Workers), fmt.Sprintf("%.0f", s.Server), fmt.Sprintf("%.0f", s.Database), x, fmt.Sprintf("%.0f", s.Rate),
				fmt.Sprintf("%.2f", s.P50), fmt.Sprintf("%.2f", s.P99), fmt.Sprintf("%.0f", s.Memory), statements, fmt.Sprint(s.Failed))
		}
	}
}
