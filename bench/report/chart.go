package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// panel is one group of bars with a scale of its own.
type panel struct {
	title string
	bars  []bar
}

// bar is a row: parts one after the other, and their sum in words.
type bar struct {
	label string
	parts []float64
	value string
}

const (
	width   = 760
	labels  = 120 // for what stands before a bar
	values  = 110 // for what stands after it
	line    = 20  // a bar and its room
	heading = 30
)

// colours of the parts: fit for most eyes, on light and on dark.
var colours = [...]string{"#3a6ea5", "#e0a030"}

// draw is an SVG of panels, one below the other. legend names the parts.
func draw(title string, legend []string, panels []panel) []byte {
	height := 2 * heading
	for _, p := range panels {
		height += heading + line*len(p.bars)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	label(&b, 10, 20, `font-size="15" font-weight="bold"`, title)
	for i, name := range legend {
		x := 10 + i*140
		fmt.Fprintf(&b, `<rect x="%d" y="32" width="10" height="10" fill="%s"/>`+"\n", x, colours[i])
		label(&b, x+16, 41, "", name)
	}
	y := 2 * heading
	for _, p := range panels {
		label(&b, 10, y+10, `font-weight="bold"`, p.title)
		y += heading - 12
		p.draw(&b, y)
		y += 12 + line*len(p.bars)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (p panel) draw(b *bytes.Buffer, y int) {
	most := 0.0
	for _, row := range p.bars {
		most = max(most, row.sum())
	}
	for i, row := range p.bars {
		top := y + i*line
		label(b, labels-6, top+13, `text-anchor="end"`, row.label)
		x := float64(labels)
		for j, part := range row.parts {
			w := part / max(most, 1e-9) * (width - labels - values)
			fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", x, top+2, w, line-5, colours[j])
			x += w
		}
		label(b, int(x)+6, top+13, "", row.value)
	}
}

func (r bar) sum() (all float64) {
	for _, part := range r.parts {
		all += part
	}
	return all
}

func label(b *bytes.Buffer, x, y int, attributes, text string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" %s>`, x, y, attributes)
	_ = xml.EscapeText(b, []byte(text)) // a buffer does not fail
	b.WriteString("</text>\n")
}

// each makes a panel for each workload, a bar for each peer that did it.
func (r Run) each(of func(Sample) bar) (panels []panel) {
	for _, w := range r.Workloads {
		p := panel{title: w.Name + ": " + w.Title}
		for _, peer := range r.Peers {
			if s, ok := r.at(w.Name, peer.Name, r.usual()); ok {
				row := of(s)
				row.label = peer.Name
				p.bars = append(p.bars, row)
			}
		}
		panels = append(panels, p)
	}
	return panels
}

func cpuChart(r Run) []byte {
	return draw(fmt.Sprintf("CPU per request, µs, %d at a time: less is better", r.usual()), []string{"server", "PostgreSQL"},
		r.each(func(s Sample) bar {
			return bar{parts: []float64{s.Server, s.Database}, value: fmt.Sprintf("%.0f", s.CPU())}
		}))
}

func rateChart(r Run) []byte {
	return draw(fmt.Sprintf("Requests per second, %d at a time: more is better", r.usual()), nil,
		r.each(func(s Sample) bar { return bar{parts: []float64{s.Rate}, value: fmt.Sprintf("%.0f", s.Rate)} }))
}

func latencyChart(r Run) []byte {
	return draw(fmt.Sprintf("99 %% of answers within, ms, %d at a time: less is better", r.usual()), nil,
		r.each(func(s Sample) bar { return bar{parts: []float64{s.P99}, value: fmt.Sprintf("%.1f", s.P99)} }))
}

func growthChart(runs []Run) []byte {
	var panels []panel
	for _, w := range runs[0].Workloads {
		p := panel{title: w.Name + ": " + w.Title}
		for _, peer := range runs[0].Peers {
			for _, r := range runs {
				if s, ok := r.at(w.Name, peer.Name, r.usual()); ok {
					p.bars = append(p.bars, bar{
						label: fmt.Sprintf("%s × %d", peer.Name, r.Scale),
						parts: []float64{s.Server, s.Database}, value: fmt.Sprintf("%.0f", s.CPU()),
					})
				}
			}
		}
		panels = append(panels, p)
	}
	return draw("CPU per request, µs, as the data grows", []string{"server", "PostgreSQL"}, panels)
}
