package faults_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/dbtest"
)

// Requests that end, because nobody waits for them or because they took too
// long, stop their SQL; and nothing of them is written later.
func TestRequestsEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name string) {
		for what, patience := range map[string]time.Duration{"abandoned": 700 * time.Millisecond, "deadline": 2 * deadline} {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				rounds(t, func(t *testing.T, chance *rand.Rand) {
					url := newDatabase(t, name)
					l := newLoad(t, serve(t, url), chance, 3)
					db := dbtest.At(t, url)
					release := locked(t, db)
					for _, c := range l.callers {
						c.patient = patience
					}
					asked := time.Now()
					var all sync.WaitGroup
					all.Go(func() {
						l.together(t, func(c *caller, t *testing.T) {
							o := c.once(t, "reservationCreate", map[string]any{"clientId": c.clients[0], "appointmentId": c.slots[0]})
							if o.outcome == acknowledged || (o.code == "TIMEOUT") != (what == "deadline") {
								violation(t, "behind a lock, a reservation was answered with %q", o.code)
							}
						})
					})
					if !waiting(t, db, len(l.callers), asked.Add(patience)) {
						t.Error("nobody waits for the lock")
					}
					all.Wait()
					fault(t)
					if end := asked.Add(min(patience, deadline) + late); !waiting(t, db, 0, end) {
						violation(t, "statements still wait for the lock")
					}
					if name == dialect.SQLite { // which does not tell who waits
						time.Sleep(time.Second)
					}
					release()
					time.Sleep(300 * time.Millisecond)
					if n := len(stored(t, db).reservations); n > 0 {
						violation(t, "%d reservations were made after their requests had ended", n)
					}
					for _, c := range l.callers {
						c.patient = 10 * time.Second
					}
					l.settled(t)
					l.balanced(t, db)
				})
			})
		}
	})
}

// locked keeps everybody from writing about clients, until it is released.
func locked(t *testing.T, db *database.DB) (release func()) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil) // on SQLite that is enough
	if err == nil && db.Dialect == dialect.Postgres {
		_, err = tx.ExecContext(t.Context(), "SELECT id FROM clients FOR UPDATE")
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}

// waiting reports whether, before the end, as many statements wait for a lock.
// SQLite cannot say who does.
func waiting(t *testing.T, db *database.DB, want int, end time.Time) bool {
	t.Helper()
	for n := -1; n != want && db.Dialect == dialect.Postgres; time.Sleep(10 * time.Millisecond) {
		query(t, db, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'`, func(scan func(...any)) { scan(&n) })
		if n != want && time.Now().After(end) {
			return false
		}
	}
	return true
}
