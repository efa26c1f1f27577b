package database_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"docket/internal/clustertest"
	"docket/internal/database"
	"docket/internal/pgtest"
)

// This is why docket refuses such a pooler: what pq itself is answered behind one.
// Should it ever fail, another mode can be thought of.
func TestPQIsGivenTheRowsOfOthers(t *testing.T) {
	t.Parallel()
	plain := clustertest.PgBouncer(t, pgtest.New(t, nil), "transaction", "default_pool_size = 2")
	wrong, failed := mistaken(t, plain)
	t.Logf("of 1,600 answers, %d were wrong and %d were errors", wrong, failed)
	if wrong == 0 {
		t.Error("pq was given no rows of others")
	}
	wrong, failed = mistaken(t, with(t, plain, "binary_parameters", "yes"))
	if wrong > 0 || failed > 0 {
		t.Errorf("with binary_parameters, %d answers were wrong and %d were errors", wrong, failed)
	}
}

// mistaken asks much at once, each time for something else, and counts the answers
// that were to something else.
func mistaken(t *testing.T, dsn string) (wrong, failed int64) {
	t.Helper()
	db := plainly(t, dsn)
	var wrongs, errors atomic.Int64
	var all sync.WaitGroup
	for n := range 32 {
		all.Go(func() {
			for i := range 50 {
				var got int
				err := db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT %d + $1::int", n*1000), i).Scan(&got)
				switch {
				case err != nil:
					errors.Add(1)
				case got != n*1000+i:
					wrongs.Add(1)
				}
			}
		})
	}
	all.Wait()
	return wrongs.Load(), errors.Load()
}

// plainly opens a database as anybody would.
func plainly(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func with(t *testing.T, dsn, name, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// However a pooler picks the connection that it gives to somebody else, and
// however many others it has, docket does not start behind it.
func TestSharedConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"transaction", "statement"} {
		for _, others := range []int{0, 1, 3, 20} {
			for _, turns := range []int{0, 1} {
				for _, size := range []int{1, 3, 20} {
					t.Run(fmt.Sprintf("%s, %d others, %d connections, turns %d", mode, others, size, turns), func(t *testing.T) {
						t.Parallel()
						dsn := clustertest.PgBouncer(t, pgtest.New(t, nil), mode, fmt.Sprintf("default_pool_size = %d", size), fmt.Sprintf("server_round_robin = %d", turns))
						stop := busy(t, dsn, others, mode == "transaction")
						defer stop()
						for range 3 {
							err := connect(t, dsn)
							if err == nil || mode == "transaction" && !strings.Contains(err.Error(), "pool_mode = session") {
								t.Fatalf("docket connects, or does not say why not: %v", err)
							}
						}
					})
				}
			}
		}
	}
}

func connect(t *testing.T, dsn string) error {
	t.Helper()
	db, err := database.Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return db.Connect(t.Context())
}

// busy has others use the pooler at the same time.
func busy(t *testing.T, dsn string, others int, transactions bool) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	db := plainly(t, dsn)
	statement := "SELECT 1"
	if transactions {
		statement = "BEGIN; SELECT 1; COMMIT"
	}
	var all sync.WaitGroup
	for range others {
		all.Go(func() {
			for ctx.Err() == nil {
				_, _ = db.ExecContext(ctx, statement)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// Behind sessions docket works, with its own settings and those of its URL, which
// whoever has the connection next does not find.
func TestSessionsArePooled(t *testing.T) {
	t.Parallel()
	dsn := clustertest.PgBouncer(t, pgtest.New(t, nil), "session", "default_pool_size = 20")
	stop := busy(t, dsn, 2, true)
	for range 3 {
		if err := connect(t, dsn); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	db, err := database.Open(with(t, dsn, "jit", "on"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"plan_cache_mode": "force_generic_plan", "jit": "on", "random_page_cost": "1.1", "timezone": "UTC"}
	for name, value := range want {
		if got := shows(t, db.DB, name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	wrong, failed := mistaken(t, dsn)
	if wrong > 0 || failed > 0 {
		t.Errorf("%d answers were wrong and %d were errors", wrong, failed)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	after := plainly(t, dsn)
	after.SetMaxIdleConns(20)
	for range 20 {
		if got := shows(t, after, "plan_cache_mode"); got != "auto" {
			t.Errorf("somebody else has the setting of docket: %q", got)
		}
	}
}

func shows(t *testing.T, db *sql.DB, name string) (value string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SHOW "+name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
