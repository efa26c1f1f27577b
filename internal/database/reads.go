package database

import (
	"context"
	"database/sql"
	"errors"
	"net"

	"github.com/lib/pq"
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
// read, is to cost nobody an answer. Nor is a deadlock: a migration that changes two
// tables meets in the middle whoever reads them in the other order.
func (r Reads) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	for n := 1; ; n++ {
		rows, err := r.Statements.QueryContext(ctx, query, args...)
		if n == tries || ctx.Err() != nil || !cut(err) && !deadlocked(err) {
			return rows, err
		}
	}
}

// cut reports whether a connection that there was is there no more.
func cut(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op != "dial"
}

// deadlocked reports whether PostgreSQL ended a statement so that others go on.
func deadlocked(err error) bool {
	var pg *pq.Error
	return errors.As(err, &pg) && pg.Code == "40P01"
}
