package replica_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"docket/internal/redistest"
	"docket/internal/replica"
)

// BenchmarkQuery answers a small query, from where requests arrive to where they
// are answered, by a primary and by its replica, which share the machine.
func BenchmarkQuery(b *testing.B) {
	benchmark(b, operation(`{ clients(first: 1) { edges { node { lastName } } } }`))
}

// BenchmarkMutation also notes how far it wrote.
func BenchmarkMutation(b *testing.B) {
	benchmark(b, operation(`mutation { clientCreate(input: {firstName: "A", lastName: "B"}) { client { id } } }`))
}

func benchmark(b *testing.B, body string) {
	c := newCluster(b, 1)
	store := redistest.Start(b)
	c.serve(b, nil).create(b, "anna", "Nowak")
	for name, change := range map[string]func(*replica.Config){
		"primary":        func(c *replica.Config) { c.URLs = nil },
		"replica":        nil,
		"replica, Redis": shared(store),
	} {
		b.Run(name, func(b *testing.B) {
			s := c.serve(b, change)
			if name != "primary" {
				s.logs(b, 1, isRead)
			}
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Subject", "ben")
				r.Header.Set("Role", "admin")
				w := httptest.NewRecorder()
				if s.handler.ServeHTTP(w, r); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "errors") {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
