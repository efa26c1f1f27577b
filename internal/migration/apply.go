package migration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	atlas "ariga.io/atlas/sql/schema"
	"ariga.io/atlas/sql/sqlite"
	"entgo.io/ent/dialect"

	"docket/internal/database"
)

const (
	lockName = "docket_migrate"
	lockWait = time.Minute
)

// Apply applies the files of dir that the database lacks, each with its entry
// in the revision table in one transaction, and returns their names. Two that
// apply at once do so one after the other.
func Apply(ctx context.Context, db *database.DB, dir migrate.Dir) (applied []string, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if db.Dialect == dialect.Postgres {
		drv, err := postgres.Open(conn)
		if err != nil {
			return nil, err
		}
		unlock, err := drv.(atlas.Locker).Lock(ctx, lockName, lockWait)
		if err != nil {
			return nil, fmt.Errorf("another migration is running: %w", err)
		}
		defer func() { err = errors.Join(err, unlock()) }()
	}
	for {
		name, err := applyNext(ctx, conn, db.Dialect, dir)
		if err != nil || name == "" {
			return applied, err
		}
		applied = append(applied, name)
	}
}

// applyNext applies one file, and returns "" where none was left.
func applyNext(ctx context.Context, conn *sql.Conn, name string, dir migrate.Dir) (applied string, err error) {
	if name == dialect.SQLite {
		// SQLite rebuilds tables, and only outside a transaction can it be told
		// not to mind the references meanwhile; they are checked before the end.
		if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = off"); err != nil {
			return "", err
		}
		defer func() {
			_, on := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA foreign_keys = on")
			err = errors.Join(err, on)
		}()
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback() }() // after a commit this does nothing
	var drv migrate.Driver
	if name == dialect.SQLite {
		drv, err = sqlite.Open(tx)
	} else {
		drv, err = postgres.Open(tx)
	}
	if err != nil {
		return "", err
	}
	ex, err := executor(ctx, drv, tx, dir)
	if err != nil {
		return "", err
	}
	pending, err := ex.Pending(ctx)
	if errors.Is(err, migrate.ErrNoPendingFiles) {
		return "", tx.Commit() // the revision table may be new
	}
	if err != nil {
		return "", err
	}
	if err := ex.ExecuteN(ctx, 1); err != nil {
		return "", fmt.Errorf("%s: %w", pending[0].Name(), err)
	}
	if name == dialect.SQLite {
		if err := checkReferences(ctx, tx); err != nil {
			return "", fmt.Errorf("%s: %w", pending[0].Name(), err)
		}
	}
	return pending[0].Name(), tx.Commit()
}

func checkReferences(ctx context.Context, tx *sql.Tx) error {
	var table string
	err := tx.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check`).Scan(&table)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return errors.Join(err, fmt.Errorf("rows of table %s would lead to rows that are not there", table))
}

// Pending returns the names of the files of dir that the database lacks.
func Pending(ctx context.Context, db *database.DB, dir migrate.Dir) ([]string, error) {
	drv, err := open(db)
	if err != nil {
		return nil, err
	}
	ex, err := executor(ctx, drv, db, dir)
	if err != nil {
		return nil, err
	}
	files, err := ex.Pending(ctx)
	if errors.Is(err, migrate.ErrNoPendingFiles) {
		return nil, nil
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name()
	}
	return names, err
}

func executor(ctx context.Context, drv migrate.Driver, db atlas.ExecQuerier, dir migrate.Dir) (*migrate.Executor, error) {
	history := revisions{db}
	if err := history.create(ctx); err != nil {
		return nil, err
	}
	return migrate.NewExecutor(drv, dir, history, migrate.WithOperatorVersion("docket"))
}
