package sharding_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"docket/internal/pgtest"
)

const (
	workers = 6
	each    = 150 // operations of a worker
	clients = 3
	slots   = 8 // of a shard, two at each time
)

// Whatever dies between two databases, no client is at two places and no slot
// has two holders; without claims clients are, so the test would see it.
func TestClaimsReachAcrossShards(t *testing.T) {
	t.Parallel()
	for name, claims := range map[string]bool{"with claims": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, claims)
			confirmed := s.load(t)
			twice, double := 0, 0
			for _, a := range s.all(t) {
				for _, b := range s.all(t) {
					if a.id >= b.id || !overlap(a.slot, b.slot) || !overlap(a.active, b.active) {
						continue
					}
					if a.client == b.client {
						twice++
					}
					if a.shard == b.shard && a.appointment == b.appointment {
						double++
					}
				}
			}
			t.Logf("%d confirmed, %d at two places", confirmed, twice)
			if double > 0 || claims != (twice == 0) || confirmed == 0 {
				t.Errorf("%d times a client is at two places, %d times a slot has two holders, of %d confirmed", twice, double, confirmed)
			}
			if claims {
				s.swept(t)
			}
		})
	}
}

// chance draws a number below n.
func chance(n int) int { return rand.IntN(n) } //nolint:gosec // chances need no secrecy

func newService(t *testing.T, claims bool) *service {
	t.Helper()
	open := func(tables string) *sql.DB {
		db, err := sql.Open("postgres", pgtest.New(t, nil)+"&deadlock_timeout=10ms") // two who insert the same wait for each other
		if err == nil {
			_, err = db.ExecContext(t.Context(), tables)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	var minute atomic.Int64
	return &service{
		home: open(homeTables), shards: []*sql.DB{open(shardTables), open(shardTables)}, claims: claims,
		now:  func() time.Time { return time.Date(2030, 5, 6, 12, int(minute.Add(1)/20), 0, 0, time.UTC) },
		dies: func() bool { return chance(10) == 0 },
	}
}

// load has workers reserve, confirm, cancel and sweep at once, and returns how
// many confirmations were acknowledged.
func (s *service) load(t *testing.T) (confirmed int) {
	t.Helper()
	var all sync.WaitGroup
	var acknowledged atomic.Int64
	for w := range workers {
		all.Go(func() {
			for i := range each {
				slot := chance(slots)
				at := time.Date(2030, 6, 1, slot/2, 0, 0, 0, time.UTC)
				b := booking{fmt.Sprint(w, "-", i), chance(clients), slot, chance(len(s.shards)), at, at.Add(time.Hour)}
				ok, err := s.one(t.Context(), b)
				if ok {
					acknowledged.Add(1)
				}
				if err != nil && !errors.Is(err, errDied) {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return int(acknowledged.Load())
}

// one books, mostly confirms, and mostly cancels in the end.
func (s *service) one(ctx context.Context, b booking) (confirmed bool, err error) {
	if ok, err := s.reserve(ctx, b); !ok || err != nil {
		return false, err
	}
	if chance(5) == 0 {
		return false, s.sweep(ctx) // the hold runs out
	}
	ok, err := s.confirm(ctx, b)
	if ok && err == nil && chance(10) > 0 {
		err = s.cancel(ctx, b)
	}
	return ok, err
}

type span struct{ from, to time.Time }

// overlap reports whether they have an instant in common; one that ended when
// it began has none.
func overlap(a, b span) bool {
	return a.from.Before(b.to) && b.from.Before(a.to) && a.from.Before(a.to) && b.from.Before(b.to)
}

type row struct {
	id                         string
	client, appointment, shard int
	slot, active               span
}

// all are the reservations that there ever were, with the time in which they held.
func (s *service) all(t *testing.T) (rows []row) {
	t.Helper()
	for i, shard := range s.shards {
		read, err := shard.QueryContext(t.Context(), `SELECT id, client_id, appointment_id, time_slot, ends_at, active_from, coalesce(active_until, '9999-01-01') FROM reservations`)
		if err != nil {
			t.Fatal(err)
		}
		for read.Next() {
			r := row{shard: i}
			if err := read.Scan(&r.id, &r.client, &r.appointment, &r.slot.from, &r.slot.to, &r.active.from, &r.active.to); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, r)
		}
		if err := read.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// swept is what is left in the end: the claims for good are those of the
// reservations for good.
func (s *service) swept(t *testing.T) {
	t.Helper()
	later := s.now().Add(time.Hour)
	s.now = func() time.Time { return later }
	if err := s.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, got := 0, 0
	for _, shard := range s.shards {
		var n int
		if err := shard.QueryRowContext(t.Context(), `SELECT count(*) FROM reservations WHERE state = 'CONFIRMED'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		want += n
	}
	if err := s.home.QueryRowContext(t.Context(), `SELECT count(*) FROM claims WHERE active_until IS NULL`).Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != want || want == 0 {
		t.Errorf("%d claims are for good, and %d reservations", got, want)
	}
}
