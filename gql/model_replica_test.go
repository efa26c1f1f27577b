package gql_test

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"pgregory.net/rapid"

	"docket/gql"
	"docket/internal/database"
	"docket/internal/migration"
	"docket/internal/pgtest"
	"docket/internal/replica"
	"docket/internal/viewer"
)

// One viewer cannot tell that there is a replica, which may be behind: the API does
// as the model says.
func TestModelWithReplica(t *testing.T) {
	t.Parallel()
	short("20")
	primary := pgtest.NewPrimary(t)
	standby := pgtest.NewStandby(t, primary)
	db, err := database.Open(primary.DSN("postgres"))
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	_, err = migration.Up(t.Context(), db)
	must(t, err)
	set, err := replica.Open(replica.Config{
		Primary: db, PrimaryURL: primary.DSN("postgres"), URLs: []string{standby.DSN("postgres")}, Lag: time.Minute,
		Positions: replica.NewMemory(2*time.Minute, time.Now), Clock: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(func() { must(t, set.Close()) })
	a := serveWith(t, gql.Config{DB: db.ORM(), Reads: set, Dialect: db.Dialect})
	s := httptest.NewServer(viewer.Local().Handler(set.Handler(a.handler)))
	t.Cleanup(s.Close)
	a.url = s.URL
	m := &machine{api: a, t: t}
	rapid.Check(t, func(rt *rapid.T) {
		m.begin(rt)
		must(t, standby.Resume(t.Context()))
		must(t, standby.CaughtUp(t.Context(), primary)) // what was before is gone there, too: it went past the API
		actions := m.actions()
		actions["pause"] = func(*rapid.T) { must(t, standby.Pause(t.Context())) }
		actions["resume"] = func(*rapid.T) { must(t, standby.Resume(t.Context())) }
		actions["catch up"] = func(*rapid.T) {
			must(t, standby.Resume(t.Context()))
			must(t, standby.CaughtUp(t.Context(), primary))
			time.Sleep(150 * time.Millisecond) // in which docket finds out, or not
		}
		rt.Repeat(actions)
		m.compare(rt)
	})
	t.Logf("%d operations were compared", m.compared)
}
