package pgtest_test

import (
	"database/sql"
	"testing"

	"docket/internal/pgtest"
)

// A standby has what its primary has, unless it is paused, and takes no writes
// before it is promoted.
func TestStandby(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewPrimary(t)
	standby := pgtest.NewStandby(t, primary)
	open := func(s *pgtest.Server) *sql.DB {
		db, err := sql.Open("postgres", s.DSN("postgres"))
		must(t, err)
		t.Cleanup(func() { must(t, db.Close()) })
		return db
	}
	one, two := open(primary), open(standby)
	rows := func(db *sql.DB) (n int) {
		must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n))
		return n
	}
	_, err := one.ExecContext(t.Context(), "CREATE TABLE t AS SELECT 1 AS n")
	must(t, err)
	must(t, standby.CaughtUp(t.Context(), primary))
	if rows(two) != 1 {
		t.Error("the standby has not what it replayed")
	}
	must(t, standby.Pause(t.Context()))
	_, err = one.ExecContext(t.Context(), "INSERT INTO t VALUES (2)")
	must(t, err)
	if rows(two) != 1 {
		t.Error("a paused standby goes on")
	}
	must(t, standby.Resume(t.Context()))
	must(t, standby.CaughtUp(t.Context(), primary))
	if rows(two) != 2 {
		t.Error("a standby does not go on")
	}
	if _, err := two.ExecContext(t.Context(), "INSERT INTO t VALUES (3)"); err == nil {
		t.Error("a standby takes writes")
	}
	must(t, standby.Promote(t.Context()))
	_, err = two.ExecContext(t.Context(), "INSERT INTO t VALUES (3)")
	must(t, err)
	if rows(one) != 2 || rows(two) != 3 {
		t.Error("they are still one")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
