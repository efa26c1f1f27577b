package replica_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"docket/internal/clustertest"
	"docket/internal/database"
	"docket/internal/pgtest"
	"docket/internal/replica"
)

// load reads without pause until it is ended.
type load struct {
	end     context.CancelFunc
	readers sync.WaitGroup

	mu     sync.Mutex
	reads  int
	failed []error
	slow   time.Duration // how long the slowest read took
}

func newLoad(t testing.TB, s *site) *load {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	l := &load{end: end}
	for i := range 4 {
		l.readers.Go(func() {
			for ctx.Err() == nil {
				start := time.Now()
				_, err := s.post(t.Context(), fmt.Sprint("reader ", i), operation(everyone))
				l.mu.Lock()
				l.reads++
				l.slow = max(l.slow, time.Since(start))
				if err != nil {
					l.failed = append(l.failed, err)
				}
				l.mu.Unlock()
			}
		})
	}
	t.Cleanup(func() { end(); l.readers.Wait() })
	return l
}

// goesOn returns when there were some more reads.
func (l *load) goesOn(t testing.TB) {
	t.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.reads
	}
	before := count()
	within(t, "reads are answered", func() bool { return count() > before+40 })
}

// check ends the load, none of which may have failed.
func (l *load) check(t testing.TB) {
	t.Helper()
	l.end()
	l.readers.Wait()
	t.Logf("%d reads, the slowest in %v", l.reads, l.slow)
	if len(l.failed) > 0 {
		t.Errorf("%d of %d reads failed, the first: %v", len(l.failed), l.reads, l.failed[0])
	}
	if l.slow > 5*time.Second {
		t.Errorf("a read took %v", l.slow)
	}
}

func (s *site) logs(t testing.TB, n int, text string) {
	t.Helper()
	within(t, fmt.Sprintf("the log has %q %d times", text, n), func() bool { return s.log.count(text) >= n })
}

const (
	isRead    = "a replica is read"
	isNotRead = "a replica is not read"
)

// A replica that hangs, with all its connections, costs no read an answer, and is
// read again once it goes on.
func TestReplicaHangs(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	s := c.serve(t, nil)
	s.create(t, "anna", "First")
	s.logs(t, 1, isRead)
	l := newLoad(t, s)
	for n := range 2 {
		l.goesOn(t)
		thaw, err := c.standbys[0].Freeze(t.Context())
		must(t, err)
		s.logs(t, n+1, isNotRead)
		l.goesOn(t)
		thaw()
		s.logs(t, n+2, isRead)
	}
	l.goesOn(t)
	l.check(t)
}

func TestReplicaIsKilled(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	s := c.serve(t, nil)
	s.create(t, "anna", "First")
	s.logs(t, 2, isRead)
	l := newLoad(t, s)
	for n, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGQUIT} {
		l.goesOn(t)
		must(t, c.standbys[0].Crash(signal))
		s.logs(t, n+1, isNotRead)
		l.goesOn(t)
		must(t, c.standbys[0].Restart(t.Context()))
		s.logs(t, n+3, isRead)
	}
	l.check(t)
}

// A replica that became a primary by itself has what nobody else has.
func TestReplicaIsPromoted(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	s := c.serve(t, nil)
	s.create(t, "anna", "First")
	s.logs(t, 1, isRead)
	l := newLoad(t, s)
	must(t, c.standbys[0].Promote(t.Context()))
	s.logs(t, 1, "it is no standby")
	exec(t, open(t, c.standbys[0]).DB, "UPDATE clients SET last_name = 'Split'")
	for range 20 {
		if s.sees(t, "ben", "Split") {
			t.Fatal("a promoted replica is read")
		}
	}
	l.goesOn(t)
	l.check(t)
}

// After a fail-over, what follows the new primary is read, and what does not is
// not, though it be further in its own log.
func TestReplicaOfAnotherTimeline(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	old, follower := c.primary, pgtest.NewStandby(t, c.standbys[0])
	must(t, c.standbys[0].Promote(t.Context()))
	exec(t, open(t, old).DB, "INSERT INTO clients (created_at, updated_at, version, first_name, last_name) SELECT now(), now(), 1, 'A', 'Split' FROM generate_series(1, 1000) n")
	c.primary, c.standbys, c.db = c.standbys[0], c.standbys[1:], open(t, c.standbys[0])
	s := c.serve(t, nil)
	s.create(t, "anna", "First")
	s.logs(t, 1, "it is on timeline 1, and the primary on 2")
	for range 20 {
		if !s.sees(t, "ben", "First") || s.sees(t, "ben", "Split") {
			t.Fatal("a replica of the old primary is read")
		}
	}
	c.standbys = []*pgtest.Server{follower}
	s = c.serve(t, nil)
	s.logs(t, 1, isRead)
	within(t, "the follower is read", func() bool { return readsFrom(t, c, s, "ben") })
}

func TestReplicaOfAnotherSystem(t *testing.T) {
	t.Parallel()
	c, other := newCluster(t, 0), follow(t, pgtest.NewSystem(t), 1)
	fill := func(db *database.DB, n int, name string) {
		t.Helper()
		exec(t, db.DB, fmt.Sprintf("INSERT INTO clients (created_at, updated_at, version, first_name, last_name) SELECT now(), now(), 1, 'A', '%s' FROM generate_series(1, %d)", name, n))
	}
	fill(other.db, 2000, "Other")
	must(t, other.standbys[0].CaughtUp(t.Context(), other.primary))
	c.standbys = append(other.standbys, other.primary, c.primary)
	s := c.serve(t, nil)
	s.logs(t, 3, isNotRead)
	fill(c.db, 4000, "Own") // by which it passes the place where the other is
	for i := range 20 {
		if s.sees(t, fmt.Sprint(i), "Other") {
			t.Fatal("another database is read")
		}
		time.Sleep(20 * time.Millisecond) // in which it might be
	}
	if s.log.count(isRead) > 0 {
		t.Error("it is read, by the log")
	}
}

// A replica is read for as long as it may be behind, and again when it is not.
func TestReplicaLags(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	s := c.serve(t, func(c *replica.Config) { c.Lag = 3 * time.Second })
	s.create(t, "anna", "First")
	s.logs(t, 1, isRead)
	must(t, c.standbys[0].Pause(t.Context()))
	paused := time.Now()
	s.create(t, "anna", "Second")
	within(t, "ben sees what is older than the lag", func() bool { return s.sees(t, "ben", "Second") })
	s.logs(t, 1, "it is more than 3s behind")
	if took := time.Since(paused); took < 2*time.Second {
		t.Errorf("it was not read for as long as it may be behind: only %v", took)
	}
	must(t, c.standbys[0].Resume(t.Context()))
	s.logs(t, 2, isRead)
	within(t, "it is read again", func() bool { return readsFrom(t, c, s, "ben") })
}

// PostgreSQL ends a query that keeps a standby from going on; the primary answers.
func TestRecoveryConflict(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	exec(t, open(t, c.standbys[0]).DB, "ALTER SYSTEM SET max_standby_streaming_delay = '50ms'")
	exec(t, open(t, c.standbys[0]).DB, "SELECT pg_reload_conf()")
	primary := open(t, c.primary)
	exec(t, primary.DB, "CREATE TABLE locked (n int)")
	exec(t, primary.DB, "INSERT INTO locked VALUES (1)")
	s := c.serve(t, nil)
	s.logs(t, 1, isRead)
	must(t, c.standbys[0].CaughtUp(t.Context(), c.primary))
	answered := make(chan string, 1)
	go func() {
		answered <- s.read(t, "SELECT pg_is_in_recovery()::text || pg_sleep(CASE WHEN pg_is_in_recovery() THEN 20 ELSE 0 END) FROM locked")
	}()
	standby := open(t, c.standbys[0])
	within(t, "the standby is asked", func() (asked bool) {
		must(t, standby.QueryRowContext(t.Context(), "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%FROM locked' AND pid <> pg_backend_pid() AND wait_event = 'PgSleep'").Scan(&asked))
		return asked
	})
	exec(t, primary.DB, "BEGIN; LOCK TABLE locked; INSERT INTO locked VALUES (2); DELETE FROM locked WHERE n = 2; COMMIT")
	if got := <-answered; got != "false" {
		t.Errorf("answered %q, want it from the primary", got)
	}
}

// Where an address leads to another replica at once, or to one that has started
// again, what was known of it does not hold.
func TestReplicaBecomesAnother(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	must(t, c.standbys[1].Pause(t.Context()))
	p := newProxy(t, c.standbys[0].Socket())
	s := c.serve(t, func(c *replica.Config) { c.URLs = []string{p.url()} })
	s.logs(t, 1, isRead)
	for n := range 5 {
		p.lead(c.standbys[0].Socket())
		written := fmt.Sprint("Written ", n)
		s.create(t, "anna", written)
		within(t, "anna reads from the replica", func() bool {
			must(t, c.standbys[0].CaughtUp(t.Context(), c.primary))
			return readsFrom(t, c, s, "anna")
		})
		exec(t, c.db.DB, fmt.Sprintf("UPDATE clients SET last_name = '%s'", written))
		p.lead(c.standbys[1].Socket())
		for range 5 {
			if !s.sees(t, "anna", written) {
				t.Fatal("anna does not see what she wrote")
			}
		}
	}
}

// A replica behind a pooler that mixes its connections is not read; by session it is.
func TestPooledReplica(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	for mode, want := range map[string]string{"transaction": "by session", "session": isRead} {
		s := c.serve(t, func(r *replica.Config) {
			r.URLs = []string{clustertest.PgBouncer(t, c.standbys[0].DSN(name), mode, "default_pool_size = 20")}
		})
		s.logs(t, 1, want)
		if mode == "transaction" && strings.Contains(s.log.String(), isRead) {
			t.Error("it is read")
		}
	}
}
