package database

import (
	"context"
	"database/sql/driver"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"

	"docket/internal/audit"
)

// A transaction tells the triggers that note what it does who asks for it. To
// PostgreSQL the connection tells it together with BEGIN, so that it costs no
// round trip; these settings end with the transaction. On SQLite it is a row that
// is there from the beginning to the end, and that nobody else ever sees.

// BeginTx begins a transaction, and tells whom it is for. pq would also watch the
// context until the end, and give up the connection where that ends: package sql
// rolls back then, and each statement watches for itself.
func (c *lineConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.line.worksFor(ctx)
	a, asked := audit.FromContext(ctx)
	text := "SET LOCAL docket.viewer = " + pq.QuoteLiteral(a.Viewer) + "; SET LOCAL docket.operation = " + pq.QuoteLiteral(a.Operation)
	if asked && o == (driver.TxOptions{}) {
		text = "BEGIN READ WRITE; " + text
	} else if tx, err := c.pqConn.BeginTx(context.WithoutCancel(ctx), o); err != nil || !asked {
		return tx, err
	}
	if _, err := c.ExecContext(ctx, text, nil); err != nil {
		_ = c.Rollback() // where it has not begun, the connection is given up
		return nil, err
	}
	return c, nil
}

const (
	ask   = "INSERT OR REPLACE INTO asking (id, viewer, operation) VALUES ($1, nullif($2, ''), nullif($3, ''))"
	unask = "DELETE FROM asking WHERE id = $1"
)

// tell tells SQLite whom the transaction is for.
func (t *transaction) tell(ctx context.Context, name string) error {
	a, asked := audit.FromContext(ctx)
	if !asked || name != dialect.SQLite {
		return nil
	}
	t.told = true
	_, err := t.ExecContext(ctx, ask, 1, a.Viewer, a.Operation)
	return err
}

// untell keeps SQLite from taking whoever writes next for who asked.
func (t *transaction) untell(ctx context.Context) error {
	if !t.told {
		return nil
	}
	_, err := t.ExecContext(ctx, unask, 1)
	return err
}
