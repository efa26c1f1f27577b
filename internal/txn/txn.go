// Package txn runs a function in one transaction, again when databases ask for it.
package txn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"docket/ent/orm"
	"docket/internal/database"
)

const (
	attempts  = 8
	firstWait = 2 * time.Millisecond
)

// ErrContention says that a transaction lost to others every time it was tried;
// nothing was changed, and trying later may succeed.
var ErrContention = errors.New("too many transactions compete for the same rows")

// ErrAgain is what a function returns to have its transaction run again from the
// beginning, on what others have committed meanwhile.
var ErrAgain = errors.New("others have changed what the transaction builds on")

// errBegin says that a transaction did not begin.
var errBegin = errors.New("the transaction did not begin")

// Do runs f in a transaction and commits it, or rolls all of it back. What
// loses to another transaction is run again, a bounded number of times with
// growing, jittered waits; so f must have no effects but those on tx. So is
// what cannot begin because the database is away: a connection that died while
// nobody used it is replaced then.
func Do[T any](ctx context.Context, db *orm.Client, f func(tx *orm.Tx) (T, error)) (T, error) {
	for attempt := 0; ; attempt++ {
		v, err := once(ctx, db, f)
		away := errors.Is(err, errBegin) && Unavailable(err)
		switch {
		case err == nil || !away && !Lost(err):
			return v, err
		case attempt+1 < attempts:
		case away:
			return v, err
		default:
			return v, fmt.Errorf("%w: %w", ErrContention, err)
		}
		watched(ctx, cause(err))
		wait := firstWait << attempt
		select {
		case <-ctx.Done():
			return v, ctx.Err()
		case <-time.After(wait/2 + rand.N(wait)): //nolint:gosec // jitter needs no secrecy
		}
	}
}

func once[T any](ctx context.Context, db *orm.Client, f func(tx *orm.Tx) (T, error)) (v T, err error) {
	tx, err := db.Tx(ctx)
	if err != nil {
		return v, undone(fmt.Errorf("%w: %w", errBegin, err))
	}
	done := false
	defer func() {
		if !done { // f failed or panicked, or a hook refused the commit
			_ = tx.Rollback()
		}
	}()
	if v, err = f(tx); err != nil {
		return v, undone(err)
	}
	err = tx.Commit()
	done = err == nil
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		err = ctx.Err() // the end of the context rolled it back first
	}
	return v, err
}

// Locked is a predicate that locks the rows it meets, as [Lock] does.
func Locked(s *entsql.Selector) { Lock(s) }

// Lock locks the rows that s selects, of the given tables or of all, against all
// who would change or lock them, but not against those whose rows refer to them.
// SQLite has no such lock and needs none: a transaction there is the only one
// that writes, from its beginning.
func Lock(s *entsql.Selector, tables ...string) {
	if s.Dialect() != dialect.Postgres {
		return
	}
	clause := "FOR NO KEY UPDATE"
	if len(tables) > 0 {
		clause += " OF " + strings.Join(tables, ", ")
	}
	s.For(entsql.LockUpdate, entsql.WithLockClause(clause))
}

// Lost reports whether the database gave up the transaction in favour of another, or
// of a migration.
func Lost(err error) bool {
	if errors.Is(err, ErrAgain) || database.Stale(err) {
		return true
	}
	var pg *pq.Error
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01" // serialization failure, deadlock
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		code := lite.Code() & 0xff // the extended codes carry the primary one below
		return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
	}
	return false
}
