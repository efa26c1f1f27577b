package faults_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/internal/dbtest"
)

// each runs a test on both databases, in parallel.
func each(t *testing.T, test func(t *testing.T, dialect string)) {
	t.Helper()
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name)
		})
	}
}

// database names a new and empty one.
func newDatabase(t *testing.T, name string) string {
	t.Helper()
	if name == dialect.SQLite {
		return "sqlite://" + filepath.Join(t.TempDir(), "docket.db")
	}
	return dbtest.URL(t, name)
}

// between is a time by chance.
func between(chance *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(chance.Int64N(int64(most-least)))
}

// The server is killed again and again while it books.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name string) {
		rounds(t, func(t *testing.T, chance *rand.Rand) {
			url := newDatabase(t, name)
			s := serve(t, url)
			l := newLoad(t, s, chance, 6)
			l.while(t, func() {
				for range 5 {
					time.Sleep(between(chance, 200*time.Millisecond, 900*time.Millisecond))
					s.restart(t, between(chance, 0, 200*time.Millisecond))
				}
				time.Sleep(300 * time.Millisecond)
			})
			l.settled(t)
			l.balanced(t, dbtest.At(t, url))
		})
	})
}
