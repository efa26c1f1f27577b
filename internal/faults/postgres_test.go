package faults_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"docket/internal/dbtest"
	"docket/internal/pgtest"
)

// fresh makes a new and empty database on a server, for as long as the test runs,
// and returns its name.
func fresh(t *testing.T, server *pgtest.Server) string {
	t.Helper()
	name := strings.ToLower(t.Name())
	if err := server.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Drop(context.WithoutCancel(t.Context()), name); err != nil {
			t.Error(err)
		}
	})
	return name
}

// PostgreSQL crashes again and again under a server that goes on, and recovers.
func TestPostgresKilled(t *testing.T) {
	t.Parallel()
	crash := func(signal syscall.Signal) func(*testing.T, *pgtest.Server, *rand.Rand) {
		return func(t *testing.T, server *pgtest.Server, chance *rand.Rand) {
			t.Helper()
			if err := server.Crash(signal); err != nil {
				t.Fatal(err)
			}
			time.Sleep(between(chance, 0, 500*time.Millisecond))
			if err := server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, crash := range map[string]func(*testing.T, *pgtest.Server, *rand.Rand){
		"postmaster":     crash(syscall.SIGKILL),
		"immediate stop": crash(syscall.SIGQUIT),
		"backend":        killBackend,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := pgtest.NewDurable(t)
			rounds(t, func(t *testing.T, chance *rand.Rand) {
				url := server.DSN(fresh(t, server))
				s := serve(t, url)
				l := newLoad(t, s, chance, 6)
				l.while(t, func() {
					for range 3 {
						time.Sleep(between(chance, 300*time.Millisecond, 900*time.Millisecond))
						crash(t, server, chance)
						fault(t)
					}
					time.Sleep(300 * time.Millisecond)
				})
				l.settled(t)
				l.balanced(t, dbtest.At(t, url))
			})
		})
	}
}

// killBackend kills one of the processes that work for the service. PostgreSQL
// then ends all the others, and recovers by itself.
func killBackend(t *testing.T, server *pgtest.Server, _ *rand.Rand) {
	t.Helper()
	var pid int
	db := dbtest.At(t, server.DSN("postgres"))
	find := func() error {
		return db.QueryRowContext(t.Context(), `SELECT pid FROM pg_stat_activity
			WHERE datname LIKE 'test%' AND pid <> pg_backend_pid() ORDER BY state = 'active' DESC, random() LIMIT 1`).Scan(&pid)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := find()
		if err == nil {
			break
		}
		if time.Now().After(end) { // still mending the last time
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
