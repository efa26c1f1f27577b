package database_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/dbtest"
)

func number(t *testing.T, s *database.Statements, query string, args ...any) (n int) {
	t.Helper()
	rows, err := s.QueryContext(t.Context(), query, args...)
	must(t, err)
	defer rows.Close()
	if !rows.Next() {
		t.Fatalf("%s: no row, %v", query, rows.Err())
	}
	must(t, rows.Scan(&n))
	must(t, rows.Close())
	return n
}

// TestStatementsAreKept checks that what is read again is prepared already, but
// for what is long.
func TestStatementsAreKept(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.Postgres)
	db.SetMaxOpenConns(1)
	s := db.Reads().Statements
	prepared := func() (n int) {
		must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_prepared_statements").Scan(&n))
		return n
	}
	before := prepared()
	for range 3 {
		number(t, s, "SELECT $1::int", 1)
		number(t, s, "SELECT $1::int -- "+strings.Repeat("long", 3000), 1)
	}
	if n := prepared() - before; n != 1 {
		t.Errorf("%d statements are kept", n)
	}
	for i := range 600 {
		number(t, s, fmt.Sprintf("SELECT %d + $1::int", i), 1)
	}
	if n := prepared() - before; n != 256 {
		t.Errorf("%d statements are kept", n)
	}
}

// TestStatementsInUse reads while others push the statement out, and after its
// connection broke.
func TestStatementsInUse(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readInUse(t, name)
		})
	}
}

func readInUse(t *testing.T, name string) {
	t.Helper()
	db, err := database.Open(dbtest.URL(t, name))
	must(t, err)
	defer func() { _ = db.Close() }() // some connections are broken
	s := db.Reads().Statements
	open, err := s.QueryContext(t.Context(), "SELECT 1 UNION ALL SELECT 2")
	must(t, err)
	defer open.Close()
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 600 {
				query := fmt.Sprintf("SELECT %d", (i*7+g)%200)
				rows, err := s.QueryContext(t.Context(), query)
				if err != nil {
					t.Error(err)
					return
				}
				if !rows.Next() || rows.Close() != nil {
					t.Errorf("%s: %v", query, rows.Err())
				}
			}
		})
	}
	all.Wait()
	for n := range 2 {
		if !open.Next() {
			t.Fatalf("row %d is gone: %v", n, open.Err())
		}
	}
	must(t, open.Close())
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.QueryContext(gone, "SELECT 4711"); err == nil {
		t.Error("a request that is over reads")
	}
	if n := number(t, s, "SELECT 4711"); n != 4711 {
		t.Errorf("then %d", n)
	}
	if db.Dialect == dialect.Postgres {
		number(t, s, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		for range 20 {
			number(t, s, "SELECT 4711")
		}
	}
}
