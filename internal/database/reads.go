package database

import (
	"context"
	"database/sql"
	"errors"
	"net"
)

// tries is how often a read is asked for at most.
const tries = 3

// Reads is for what only reads, and may be asked for again.
type Reads struct{ *Statements }

// Reads prepares what is read through it.
func (db *DB) Reads() Reads { return Reads{db.statements} }

// QueryContext runs a query, as [sql.DB.QueryContext] does, and again where the
// connection was cut. Package sql does so only where nothing can have been sent:
// but what died while nobody used it, or right after a commit whose payload is
// read, is to cost nobody an answer.
func (r Reads) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	for n := 1; ; n++ {
		rows, err := r.Statements.QueryContext(ctx, query, args...)
		if n == tries || ctx.Err() != nil || !cut(err) {
			return rows, err
		}
	}
}

// cut reports whether a connection that there was is there no more.
func cut(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op != "dial"
}
