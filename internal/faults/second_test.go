package faults_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"docket/internal/dbtest"
)

// Two servers work on one database, a SQLite file included, and are killed in
// turn. SQLite locks its file against other processes as it does within one, and
// every verb takes that lock before it looks: so it is safe, and not refused.
func TestSecondServer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name string) {
		rounds(t, func(t *testing.T, chance *rand.Rand) {
			url := newDatabase(t, name)
			servers := make([]*service, 2)
			var started sync.WaitGroup
			for i := range servers { // at once, on a database that both find empty
				servers[i] = prepare(t, url)
				started.Go(func() {
					if err := servers[i].tryStart(); err != nil {
						t.Errorf("of two servers that start at once, one does not: %v", err)
					}
				})
			}
			if started.Wait(); t.Failed() {
				return
			}
			l := newLoad(t, servers[0], chance, 6)
			for i, c := range l.callers {
				c.service = servers[i%len(servers)]
			}
			l.while(t, func() {
				for i := range 4 {
					time.Sleep(between(chance, 200*time.Millisecond, 700*time.Millisecond))
					servers[i%len(servers)].restart(t, between(chance, 0, 200*time.Millisecond))
				}
				time.Sleep(300 * time.Millisecond)
			})
			l.settled(t)
			l.balanced(t, dbtest.At(t, url))
		})
	})
}
