// Package dbtest gives tests real databases: PostgreSQL and SQLite, migrated,
// empty, one for each test.
package dbtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/migration"
	"docket/internal/pgtest"
)

// Dialects are the databases everything must work on.
func Dialects() []string { return []string{dialect.SQLite, dialect.Postgres} }

// Each runs test on every database, in parallel, each time with a new one.
func Each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	for _, name := range Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, Open(t, name))
		})
	}
}

// Open opens a new database of the dialect, migrated and empty.
func Open(t testing.TB, name string) *database.DB {
	t.Helper()
	return open(t, URL(t, name), func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
}

// At opens the database that a URL names, for as long as the test runs; its server
// may be gone by then.
func At(t testing.TB, url string) *database.DB {
	t.Helper()
	return open(t, url, func(error) {})
}

func open(t testing.TB, url string, closed func(error)) *database.DB {
	t.Helper()
	db, err := database.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(db.Close()) })
	return db
}

// URL makes a new database of the dialect, migrated and empty, and returns its URL.
func URL(t testing.TB, name string) string {
	t.Helper()
	if name == dialect.Postgres {
		return pgtest.New(t, migrate)
	}
	empty, err := sqliteFile()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "docket.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite://" + path
}

// sqliteFile is a migrated, empty SQLite file, made once for the process.
var sqliteFile = sync.OnceValues(func() (text []byte, err error) {
	dir, err := os.MkdirTemp("", "docket-dbtest-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "empty.db")
	if err := migrate(context.Background(), "sqlite://"+path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(ctx context.Context, url string) (err error) {
	db, err := database.Open(url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = migration.Up(ctx, db)
	return err
}
