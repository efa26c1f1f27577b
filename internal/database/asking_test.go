package database_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"

	"entgo.io/ent/dialect"

	"docket/internal/audit"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
)

// settings begins a transaction, and tells what triggers would see in it, how it
// is isolated, and by which connection.
func settings(ctx context.Context, t *testing.T, db *database.DB, o *sql.TxOptions) []string {
	t.Helper()
	tx, err := db.BeginTx(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	got := make([]string, 4)
	err = tx.QueryRowContext(ctx, `SELECT coalesce(current_setting('docket.viewer', true), ''), coalesce(current_setting('docket.operation', true), ''),
		current_setting('transaction_isolation'), pg_backend_pid()::text`).Scan(&got[0], &got[1], &got[2], &got[3])
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return got
}

// What a transaction is told ends with it, and none costs the pool its connection,
// in whatever order they come.
func TestATransactionIsToldWhoAsks(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.Postgres)
	db.SetMaxOpenConns(1)
	var first string
	for range 5 {
		for _, test := range []struct {
			asking  *audit.Asking
			options *sql.TxOptions
			want    []string
		}{
			{nil, nil, []string{"", "", "read committed"}},
			{&audit.Asking{Viewer: "ada", Operation: "clientCreate"}, nil, []string{"ada", "clientCreate", "read committed"}},
			{&audit.Asking{Operation: "clientCreate"}, nil, []string{"", "clientCreate", "read committed"}},
			{nil, &sql.TxOptions{Isolation: sql.LevelSerializable}, []string{"", "", "serializable"}},
			{&audit.Asking{Viewer: "bea"}, &sql.TxOptions{Isolation: sql.LevelSerializable}, []string{"bea", "", "serializable"}},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			if test.asking != nil {
				ctx = audit.NewContext(ctx, *test.asking)
			}
			got := settings(ctx, t, db, test.options)
			cancel()
			if first == "" {
				first = got[3]
			}
			if !slices.Equal(got[:3], test.want) || got[3] != first {
				t.Errorf("got %q on a connection like %s, want %q", got, first, test.want)
			}
		}
	}
}

// One that cannot be told leaves no connection behind in the middle of it.
func TestATransactionThatCannotBeToldDoesNotBegin(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		db.SetMaxOpenConns(1)
		ctx := audit.NewContext(t.Context(), audit.Asking{Viewer: "\xff"})
		if _, err := db.ORM().Tx(ctx); err == nil {
			t.Error("it began")
		}
		if tx, err := db.BeginTx(ctx, nil); db.Dialect == dialect.Postgres && err == nil { // not by the ORM: PostgreSQL is asked
			t.Error("it began", tx.Rollback())
		} else if err == nil {
			_ = tx.Rollback()
		}
		var one int
		if err := db.QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err != nil {
			t.Error(err)
		}
		if open := db.Stats().InUse; open != 0 {
			t.Errorf("%d connections are in use", open)
		}
	})
}

// SQLite keeps nobody in the table that tells who asks.
func TestSQLiteForgetsWhoAsked(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	count := func() (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM asking").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ctx := audit.NewContext(booking.NewContext(t.Context(), booking.Moment{}), audit.Asking{Viewer: "ada"})
	for _, end := range []string{"commit", "rollback"} {
		tx, err := db.ORM().Tx(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 0 {
			t.Errorf("others see %d who ask", n)
		}
		if end == "commit" {
			err = tx.Commit()
		} else {
			err = tx.Rollback()
		}
		if err != nil || count() != 0 {
			t.Errorf("after the %s %d are left: %v", end, count(), err)
		}
	}
}
