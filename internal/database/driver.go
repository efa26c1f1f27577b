package database

import (
	"context"
	"database/sql"
	"errors"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"docket/internal/audit"
)

// preparing is ent's driver, with prepared statements, in transactions too.
type preparing struct {
	*entsql.Driver
	db *DB
}

// Tx begins a transaction.
func (d preparing) Tx(ctx context.Context) (dialect.Tx, error) { return d.BeginTx(ctx, nil) }

// BeginTx begins a transaction with options.
func (d preparing) BeginTx(ctx context.Context, opts *sql.TxOptions) (dialect.Tx, error) {
	if a, _ := audit.FromContext(ctx); a.Check() != nil {
		return nil, a.Check()
	}
	begins(ctx)
	t, err := d.db.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	tx := &transaction{Tx: t, statements: d.db.statements}
	if err := tx.tell(ctx, d.db.Dialect); err != nil {
		return nil, errors.Join(err, t.Rollback())
	}
	return &entsql.Tx{Conn: entsql.Conn{ExecQuerier: tx}, Tx: committing{tx, ctx}}, nil
}

// Close closes the database.
func (d preparing) Close() error { return d.db.Close() }

// transaction runs prepared statements on its connection. What is not prepared
// yet runs as it is: to prepare it takes another connection, and transactions
// that have all of them, each waiting for one more, would wait for ever. What is
// [Stale] has ended the transaction, which is to be run again: then it is not prepared.
type transaction struct {
	*sql.Tx
	statements *Statements
	lacking    []string // to be prepared when the connection is free
	told       bool     // to SQLite, whom it is for
}

// QueryContext runs a query, as [sql.Tx.QueryContext] does.
func (t *transaction) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	st := t.prepared(query, args)
	if st == nil {
		return t.Tx.QueryContext(ctx, query, args...)
	}
	defer t.statements.done(st)
	rows, err := t.StmtContext(ctx, st.Stmt).QueryContext(ctx, args...)
	t.statements.noticed(err)
	return rows, err
}

// ExecContext runs a statement, as [sql.Tx.ExecContext] does.
func (t *transaction) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	st := t.prepared(query, args)
	if st == nil {
		return t.Tx.ExecContext(ctx, query, args...)
	}
	defer t.statements.done(st)
	result, err := t.StmtContext(ctx, st.Stmt).ExecContext(ctx, args...)
	t.statements.noticed(err)
	return result, err
}

func (t *transaction) prepared(query string, args []any) *statement {
	if len(query) > maxText || len(args) == 0 {
		return nil
	}
	st := t.statements.kept(query)
	if st == nil {
		t.lacking = append(t.lacking, query)
	}
	return st
}

// committing prepares, after a commit, what the transaction would have used.
type committing struct {
	*transaction
	ctx context.Context //nolint:containedctx // ent's Commit takes none
}

// Commit commits.
func (c committing) Commit() error {
	if err := c.untell(c.ctx); err != nil {
		return errors.Join(err, c.Tx.Rollback())
	}
	if err := c.Tx.Commit(); err != nil {
		fails(c.ctx)
		return err
	}
	for _, query := range c.lacking {
		if st, err := c.statements.acquire(c.ctx, query); err == nil {
			c.statements.done(st)
		}
	}
	return nil
}
