package profiler_test

import (
	"slices"
	"testing"
	"time"

	"docket/internal/dbtest"
	"docket/internal/profiler"
)

// BenchmarkRead asks the same of a server whose profiler is off, and of one whose
// is on, in turns:
//
//	go test ./internal/profiler -run '^$' -bench Read -benchtime 5000x
func BenchmarkRead(b *testing.B) {
	for _, name := range dbtest.Dialects() {
		off, on := serve(b, name, nil), serve(b, name, profiler.New(time.Now))
		for what, query := range map[string]string{
			"one row":    `query One($id: ID!) { client(id: $id) { firstName lastName } }`,
			"two lists":  desk,
			"a mutation": `mutation { clientCreate(input: {firstName: "Ada", lastName: "Nowak"}) { client { id } } }`,
		} {
			b.Run(name+"/"+what, func(b *testing.B) {
				var took [2][]time.Duration
				for range b.N {
					for i, d := range []docket{off, on} {
						began := time.Now()
						d.ask(b, "/graphql", query, map[string]any{"id": "Q2xpZW50OjE="})
						took[i] = append(took[i], time.Since(began))
					}
				}
				median := func(all []time.Duration) float64 {
					slices.Sort(all)
					return float64(all[len(all)/2].Nanoseconds()) / 1000
				}
				b.ReportMetric(median(took[0]), "µs-off")
				b.ReportMetric(median(took[1]), "µs-on")
				b.ReportMetric(median(took[1])/median(took[0]), "×")
			})
		}
	}
}
