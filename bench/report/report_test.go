package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestMedianKeepsTogetherWhatWasMeasuredTogether(t *testing.T) {
	t.Parallel()
	c := Cell{Samples: []Sample{
		{Server: 10, Database: 90, Rate: 3, Failed: 1},
		{Server: 50, Database: 10, Rate: 2},
		{Server: 70, Database: 10, Rate: 1, Failed: 1},
	}}
	if m := c.median(); m.Server != 70 || m.Database != 10 || m.Rate != 2 || m.Failed != 2 {
		t.Errorf("%+v", m)
	}
}

func TestTimesAreThoseOfTheFloorOnTheSameDatabase(t *testing.T) {
	t.Parallel()
	run := Run{
		Peers: []Peer{
			{Name: "floor", Database: "PostgreSQL"},
			{Name: "docket-sqlite", Database: "SQLite"},
			{Name: "floor-sqlite", Database: "SQLite"},
		},
		Cells: []Cell{
			{Workload: "W1", Peer: "floor", Workers: 16, Samples: []Sample{{Server: 1}}},
			{Workload: "W1", Peer: "docket-sqlite", Workers: 16, Samples: []Sample{{Server: 30}}},
			{Workload: "W1", Peer: "floor-sqlite", Workers: 16, Samples: []Sample{{Server: 20}}},
		},
	}
	if x, ok := run.times("W1", run.Peers[1], 16); x != 1.5 || !ok {
		t.Errorf("%v, %v", x, ok)
	}
	if x, ok := run.times("W1", run.Peers[0], 16); ok {
		t.Errorf("the floor is %v times itself", x)
	}
}

func TestChartsAreXML(t *testing.T) {
	t.Parallel()
	chart := draw("a < b & c", []string{"one", "two"}, []panel{{"empty", nil}, {"<panel>", []bar{{"zero", []float64{0, 0}, "0"}}}})
	decoder := xml.NewDecoder(strings.NewReader(string(chart)))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
