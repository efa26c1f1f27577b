package database_test

import (
	"errors"
	"testing"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/dbtest"
)

// A migration gives a column another type, on connections that have what reads it
// prepared: that is noticed, and costs no read; a transaction has to be run again,
// once, whatever else of it is stale.
func TestStatementsOutliveAMigration(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.Postgres)
	exec := func(statement string) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), statement)
		must(t, err)
	}
	exec("CREATE TABLE numbers (n int, m int)")
	exec("INSERT INTO numbers VALUES (7, 7)")
	const (
		n = "SELECT n FROM numbers WHERE n = $1"
		m = "SELECT m FROM numbers WHERE m = $1"
	)
	s := db.Reads().Statements
	both := func() (err error) {
		tx, err := db.Driver().Tx(t.Context())
		must(t, err)
		defer func() { _ = tx.Rollback() }()
		for _, query := range []string{n, m} {
			if _, err := ask(t.Context(), tx, query, 7); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
	for range 2 {
		must(t, both())
	}
	exec("ALTER TABLE numbers ALTER n TYPE bigint, ALTER m TYPE bigint")
	if err := both(); !database.Stale(err) {
		t.Errorf("a transaction with stale statements ends with %v", err)
	}
	must(t, both())
	must(t, both())
	exec("ALTER TABLE numbers ALTER n TYPE int, ALTER m TYPE int")
	for _, query := range []string{n, m, n, m} {
		if got := number(t, s, query, 7); got != 7 {
			t.Errorf("%s: %d", query, got)
		}
	}
	exec("ALTER TABLE numbers ALTER n TYPE bigint")
	_, err := s.ExecContext(t.Context(), n, 7)
	must(t, err)

	// Other things that are not supported are told.
	exec("CREATE VIEW pairs AS SELECT DISTINCT n FROM numbers")
	_, err = s.ExecContext(t.Context(), "UPDATE pairs SET n = $1", 1)
	if err == nil || database.Stale(err) || database.Stale(errors.New("cached plan must not change result type")) {
		t.Errorf("what is not supported is stale: %v", err)
	}
}

// A migration locks one table and then another, and somebody reads them in the other
// order: who reads is chosen to end, and is answered all the same.
func TestReadsOutliveADeadlock(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.Postgres)
	migrating, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { _ = migrating.Rollback() }()
	exec := func(statement string) {
		t.Helper()
		_, err := migrating.ExecContext(t.Context(), statement)
		must(t, err)
	}
	exec("SET LOCAL deadlock_timeout = '1min'") // it is not the one to notice
	exec("LOCK TABLE clients")
	read := make(chan error, 1)
	go func() {
		rows, err := db.Reads().QueryContext(t.Context(), "SELECT 1 FROM providers, clients WHERE clients.id = $1", 1)
		if err == nil {
			err = errors.Join(rows.Err(), rows.Close())
		}
		read <- err
	}()
	for waits := false; !waits; {
		must(t, migrating.QueryRowContext(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'clients'::regclass)").Scan(&waits))
	}
	exec("LOCK TABLE providers") // once the other was chosen
	must(t, migrating.Rollback())
	must(t, <-read)
}
