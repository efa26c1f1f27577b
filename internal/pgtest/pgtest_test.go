package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// notes is the migration of these tests.
func notes(ctx context.Context, dsn string) error {
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "CREATE TABLE notes (body text UNIQUE)")
	return err
}

// server is the one behind [New]. What these tests do with it is for a server
// of our own only.
func server(t *testing.T) *Server {
	t.Helper()
	s := require(t, shared, os.Getenv("CI") != "")
	if s.process == nil {
		t.Skip("DOCKET_TEST_DATABASE_URL is set")
	}
	return s
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func count(t *testing.T, db *sql.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNewGivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"one", "two", "three", "four"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, New(t, notes))
			if _, err := db.ExecContext(t.Context(), "INSERT INTO notes VALUES ('the same in all')"); err != nil {
				t.Fatal(err)
			}
			if n := count(t, db, "SELECT count(*) FROM notes"); n != 1 {
				t.Errorf("%d notes, want only this test's", n)
			}
		})
	}
}

func TestNewWithoutMigrationsIsEmpty(t *testing.T) {
	t.Parallel()
	db := open(t, New(t, nil))
	if n := count(t, db, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); n != 0 {
		t.Errorf("%d tables, want none", n)
	}
}

func TestNewDropsItsDatabase(t *testing.T) {
	t.Parallel()
	s := server(t)
	var name string
	t.Run("user", func(t *testing.T) {
		db := open(t, database(t, s, notes)) // its connection is open to the end
		if err := db.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	if n := count(t, s.admin, "SELECT count(*) FROM pg_database WHERE datname = $1", name); n != 0 {
		t.Errorf("%s is still there", name)
	}
}

func TestServerOfSomebodyElse(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, err := connect(ctx, server(t).DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	name, err := s.fresh(ctx, notes)
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, open(t, s.DSN(name)), "SELECT count(*) FROM notes"); n != 0 {
		t.Errorf("%d notes, want none", n)
	}
	if len(s.templates) != 0 {
		t.Error("a template was left on a server that is not ours")
	}
	s.Stop()
	if err := server(t).Drop(ctx, name); err != nil {
		t.Errorf("the server did not outlive its guest: %v", err)
	}
}

func TestTemplateIsMigratedOnce(t *testing.T) {
	t.Parallel()
	s := server(t)
	var runs atomic.Int32
	migrate := func(ctx context.Context, dsn string) error {
		runs.Add(1)
		return notes(ctx, dsn)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := s.Template(t.Context(), t.Name(), migrate); err != nil {
				t.Error(err)
				return
			}
			name, err := s.Clone(t.Context(), t.Name())
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Drop(t.Context(), name); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := runs.Load(); n != 1 {
		t.Errorf("migrated %d times, want once", n)
	}
}

func TestTemplateEndsWhatMigrateLeftOpen(t *testing.T) {
	t.Parallel()
	s := server(t)
	leak := func(ctx context.Context, dsn string) error { return open(t, dsn).PingContext(ctx) }
	if err := s.Template(t.Context(), t.Name(), leak); err != nil {
		t.Fatal(err)
	}
	name, err := s.Clone(t.Context(), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Drop(t.Context(), name); err != nil {
		t.Error(err)
	}
}

func TestTemplateCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	s, broken := server(t), errors.New("broken")
	var dsn string
	fail := func(_ context.Context, at string) error { dsn = at; return broken }
	if err := s.Template(t.Context(), t.Name(), fail); !errors.Is(err, broken) {
		t.Fatalf("error %v, want the one of migrate", err)
	}
	if err := open(t, dsn).PingContext(t.Context()); err == nil {
		t.Error("the half-made database is still there")
	}
	if _, err := s.Clone(t.Context(), t.Name()); err == nil {
		t.Error("cloned what was never made")
	}
	if err := s.Template(t.Context(), t.Name(), notes); err != nil {
		t.Error(err)
	}
}

func TestDatabaseNamesAreQuoted(t *testing.T) {
	t.Parallel()
	s, name := server(t), `Dev "1"/2`
	if err := s.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := open(t, s.DSN(name)).QueryRowContext(t.Context(), "SELECT current_database()").Scan(&got); err != nil || got != name {
		t.Errorf("connected to %q (%v), want %q", got, err, name)
	}
	if err := s.Drop(t.Context(), name); err != nil {
		t.Error(err)
	}
}

func TestErrorsCarryTheLog(t *testing.T) {
	t.Parallel()
	bad := func(ctx context.Context, dsn string) error {
		db := open(t, dsn)
		_, err := db.ExecContext(ctx, "DO $$ BEGIN RAISE WARNING 'in the log only'; PERFORM 1/0; END $$")
		return err
	}
	err := server(t).Template(t.Context(), t.Name(), bad)
	if err == nil || !strings.Contains(err.Error(), "in the log only") {
		t.Errorf("error %v, want the server's log in it", err)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	t.Parallel()
	server(t) // or skip
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	s.Stop()
	if alive(s.process.cmd.Process.Pid) {
		t.Error("postgres still runs")
	}
	if _, err := os.Stat(s.process.dir.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v, want it gone", s.process.dir.path, err)
	}
}

func TestStartIsBoundByItsContext(t *testing.T) {
	t.Parallel()
	server(t) // or skip
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v, want it cancelled", s, err)
	}
}

func TestSocketFitsWhereverTheFolderIs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(scratch(), prefix+"0123456789", ".s.PGSQL.5432")
	if len(path) > longest {
		t.Errorf("%s is longer than %d bytes", path, longest)
	}
}
