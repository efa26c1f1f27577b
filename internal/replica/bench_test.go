package replica_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"docket/internal/redistest"
	"docket/internal/replica"
)

// BenchmarkQuery has a small query answered, from where requests arrive to where
// they are answered. It is answered by the primary, by a replica that shares the
// machine, and by one whose viewers are known by Redis, in turn: what else the
// machine does concerns them alike. Figures are medians, in µs.
func BenchmarkQuery(b *testing.B) {
	turns(b, operation(`{ clients(first: 1) { edges { node { lastName } } } }`))
}

// BenchmarkMutation notes how far it wrote, or does not.
func BenchmarkMutation(b *testing.B) {
	turns(b, operation(`mutation { clientCreate(input: {firstName: "A", lastName: "B"}) { client { id } } }`))
}

func turns(b *testing.B, body string) {
	c := newCluster(b, 1)
	names := []string{"primary", "replica", "replica+redis"}
	sites := []*site{
		c.serve(b, func(c *replica.Config) { c.URLs = nil }),
		c.serve(b, nil),
		c.serve(b, shared(redistest.Start(b))),
	}
	sites[0].create(b, "anna", "Nowak")
	took := make([][]time.Duration, len(sites))
	for _, s := range sites[1:] {
		s.logs(b, 1, isRead)
	}
	for b.Loop() {
		for i, s := range sites {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Subject", "ben")
			r.Header.Set("Role", "admin")
			w := httptest.NewRecorder()
			start := time.Now()
			s.handler.ServeHTTP(w, r)
			took[i] = append(took[i], time.Since(start))
			if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"errors"`) {
				b.Fatal(w.Code, w.Body)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, name := range names {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2].Nanoseconds())/1000, name+"-µs")
	}
}
