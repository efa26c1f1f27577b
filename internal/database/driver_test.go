package database_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"docket/ent/entity"
	"docket/internal/database"
	"docket/internal/dbtest"
)

// ask asks for a number in the way in which ent does.
func ask(ctx context.Context, q dialect.ExecQuerier, query string, n int) (got int, err error) {
	rows := &entsql.Rows{}
	if err := q.Query(ctx, query, []any{n}, rows); err != nil {
		return 0, err
	}
	defer rows.Close()
	got, err = entsql.ScanInt(rows)
	return got, err
}

// transact runs f in a transaction, as ent does.
func transact(t *testing.T, db *database.DB, f func(tx dialect.Tx)) {
	t.Helper()
	tx, err := db.Driver().Tx(t.Context())
	must(t, err)
	f(tx)
	must(t, tx.Commit())
}

// What a transaction runs is prepared once it has committed, and used by the
// next; one that is rolled back leaves nothing.
func TestStatementsOfTransactionsAreKept(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.Postgres)
	db.SetMaxOpenConns(1)
	prepared := func() (n int) {
		must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_prepared_statements").Scan(&n))
		return n
	}
	before := prepared()
	tx, err := db.Driver().Tx(t.Context())
	must(t, err)
	if n, err := ask(t.Context(), tx, "SELECT 1 + $1::int", 1); n != 2 || err != nil {
		t.Errorf("got %d: %v", n, err)
	}
	must(t, tx.Rollback())
	if n := prepared() - before; n != 0 {
		t.Errorf("%d statements are kept of what was rolled back", n)
	}
	for range 3 {
		transact(t, db, func(tx dialect.Tx) {
			if n, err := ask(t.Context(), tx, "SELECT 2 + $1::int", 1); n != 3 || err != nil {
				t.Errorf("got %d: %v", n, err)
			}
			must(t, tx.Exec(entity.Service(t.Context()), "UPDATE clients SET version = version + $1", []any{1}, nil))
		})
	}
	if n := prepared() - before; n != 2 {
		t.Errorf("%d statements are kept", n)
	}
}

// Transactions that have all the connections there are, and each of which runs
// what nobody has prepared, do not wait for each other.
func TestTransactionsNeedOneConnection(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		const n = 4
		db.SetMaxOpenConns(n)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var began, done sync.WaitGroup
		began.Add(n)
		readers := db.Driver()
		for i := range n {
			done.Go(func() {
				// On SQLite a transaction writes, and so has to be alone; reading is not.
				q := dialect.ExecQuerier(readers)
				if db.Dialect == dialect.Postgres {
					tx, err := readers.Tx(ctx)
					if err != nil {
						t.Error(err)
						began.Done()
						return
					}
					defer func() {
						if err := tx.Commit(); err != nil {
							t.Error(err)
						}
					}()
					q = tx
				}
				began.Done()
				began.Wait()
				for j := range 3 {
					if got, err := ask(ctx, q, fmt.Sprintf("SELECT %d + CAST($1 AS integer)", 10*i+j), 1); err != nil || got != 10*i+j+1 {
						t.Errorf("got %d: %v", got, err)
					}
				}
			})
		}
		done.Wait()
	})
}
