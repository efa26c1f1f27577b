package migration

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"ariga.io/atlas/sql/postgres"
	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect"
	"github.com/lib/pq"
)

const (
	// lockName is the one of the atlas command, which then waits for us, too.
	lockName = "atlas_migrate_execute"
	lockWait = time.Minute
)

// prepare makes conn fit to migrate on, and returns what undoes it, whatever
// has become of ctx by then.
func prepare(ctx context.Context, conn *sql.Conn, name string) (undo func() error, err error) {
	if name == dialect.SQLite {
		return ignoreReferences(ctx, conn)
	}
	return lock(ctx, conn)
}

// ignoreReferences lets SQLite rebuild a table that others refer to; it can be
// told so only outside a transaction. Each file's transaction ends with a check.
func ignoreReferences(ctx context.Context, conn *sql.Conn) (undo func() error, err error) {
	if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = off"); err != nil {
		return nil, err
	}
	return func() error {
		ctx := context.WithoutCancel(ctx)
		// When ctx ends, database/sql rolls back in its own time, and before
		// that the pragma would do nothing.
		_, _ = conn.ExecContext(ctx, "ROLLBACK")
		var on bool
		_, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = on")
		if err == nil {
			err = conn.QueryRowContext(ctx, "PRAGMA foreign_keys").Scan(&on)
		}
		if on {
			return err
		}
		return discard(conn)
	}, nil
}

// lock keeps others from migrating the same database until it is given back.
func lock(ctx context.Context, conn *sql.Conn) (unlock func() error, err error) {
	drv, err := postgres.Open(conn)
	if err != nil {
		return nil, err
	}
	if _, err := drv.(atlas.Locker).Lock(ctx, lockName, lockWait); err != nil {
		return nil, fmt.Errorf("waiting for another migration to end: %w", err)
	}
	return func() error {
		if _, err := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock_all()"); err != nil {
			return discard(conn)
		}
		return nil
	}, nil
}

// How long a statement waits for a lock. Whoever wants a table after it waits for
// as long, even to read.
const (
	short = "1s"
	none  = "0"
)

// patience is how long a file gives way, until it is said to have failed.
const patience = 5 * time.Minute

// waits sets how long the connection waits for a lock, unless the URL says it.
func (a *applier) waits(ctx context.Context, to string) error {
	if a.dialect != dialect.Postgres || a.told {
		return nil
	}
	_, err := a.conn.ExecContext(ctx, "SELECT set_config('lock_timeout', $1, false)", to)
	return err
}

// givesWay has the connection not wait for long until undo, unless it is told how long.
func (a *applier) givesWay(ctx context.Context) (undo func() error, err error) {
	if a.dialect == dialect.Postgres {
		if err := a.conn.QueryRowContext(ctx, "SELECT current_setting('lock_timeout') <> '0'").Scan(&a.told); err != nil {
			return nil, err
		}
	}
	return func() error {
		if a.waits(context.WithoutCancel(ctx), none) != nil {
			return discard(a.conn)
		}
		return nil
	}, a.waits(ctx, short)
}

// gaveWay reports whether a statement did not get a lock in time.
func gaveWay(err error) bool {
	var pg *pq.Error
	return errors.As(err, &pg) && pg.Code == "55P03" // lock_not_available
}

// pause lets pass who waited meanwhile.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
		return nil
	}
}

// discard closes a connection that others must not get as it is.
func discard(conn *sql.Conn) error {
	err := conn.Raw(func(any) error { return driver.ErrBadConn })
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}
