package migration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"

	"ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect"

	"docket/internal/database"
)

// Apply applies the files of dir that the database lacks, each with its entry
// in the revision table in one transaction, and returns their names. Where one
// fails, those before it stay applied and nothing of it remains. Two that apply
// at once do so one after the other.
//
// On PostgreSQL a file may begin with the line
//
//	-- atlas:txmode none
//
// and runs without a transaction, as CREATE INDEX CONCURRENTLY demands. What
// such a file did before it failed remains, and the next Apply goes on from
// the statement that failed.
//
// A file that has to wait for a table gives way to those who wait behind it, and
// is tried again, for some minutes; unless the URL has a lock_timeout of its own.
func Apply(ctx context.Context, db *database.DB, dir migrate.Dir) (applied []string, err error) {
	if err := checksum(dir); err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	undo, err := prepare(ctx, conn, db.Dialect)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, undo()) }()
	a := &applier{conn: conn, dialect: db.Dialect, dir: dir}
	patiently, err := a.givesWay(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, patiently()) }()
	for busy := time.Now().Add(patience); ; {
		name, err := a.next(ctx)
		if gaveWay(err) && time.Now().Before(busy) {
			err = pause(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil || name == "" {
			return applied, err
		}
		applied, busy = append(applied, name), time.Now().Add(patience)
	}
}

// applier applies dir on a connection that was prepared for it.
type applier struct {
	conn    *sql.Conn
	dialect string
	dir     migrate.Dir
	told    bool // how long to wait for a lock
}

// next applies one file, and returns "" where none is left. Which one is next
// is read in the transaction that applies it.
func (a *applier) next(ctx context.Context) (applied string, err error) {
	tx, err := a.conn.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback() }() // after a commit this does nothing
	ex, err := a.executor(ctx, tx)
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
	file := pending[0]
	inTx, err := transactional(file, a.dialect)
	if err != nil {
		return "", err
	}
	if inTx {
		err = ex.Execute(ctx, file)
	}
	if err == nil {
		err = a.commit(ctx, tx)
	}
	if err == nil && !inTx {
		err = a.alone(ctx, file)
	}
	if err != nil {
		return "", failed(file, err)
	}
	return file.Name(), nil
}

// alone applies a file without a transaction.
func (a *applier) alone(ctx context.Context, file migrate.File) error {
	ex, err := a.executor(ctx, unhurried{a.conn, a})
	if err != nil {
		return err
	}
	return ex.Execute(ctx, file)
}

// unhurried lets a statement wait for as long as it has to if it keeps nobody
// meanwhile, and would leave half an index if it did not.
type unhurried struct {
	*sql.Conn
	*applier
}

var concurrent = regexp.MustCompile(`(?i)\bCONCURRENTLY\b`)

func (c unhurried) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if concurrent.MatchString(query) {
		if err := c.waits(ctx, none); err != nil {
			return nil, err
		}
		defer func() { _ = c.waits(context.WithoutCancel(ctx), short) }()
	}
	return c.Conn.ExecContext(ctx, query, args...)
}

func (a *applier) executor(ctx context.Context, db atlas.ExecQuerier) (*migrate.Executor, error) {
	history := revisions{db, a.dialect}
	if err := history.create(ctx); err != nil {
		return nil, err
	}
	return executor(ctx, history, a.dir)
}

// commit does at last what SQLite was told not to do meanwhile: it refuses to
// leave references to nothing.
func (a *applier) commit(ctx context.Context, tx *sql.Tx) error {
	if a.dialect != dialect.SQLite {
		return tx.Commit()
	}
	var table string
	err := tx.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check`).Scan(&table)
	if errors.Is(err, sql.ErrNoRows) {
		return tx.Commit()
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("rows of table %s would lead to rows that are not there", table)
}

// transactional reports whether a file wants a transaction of its own.
func transactional(f migrate.File, name string) (bool, error) {
	local, ok := f.(*migrate.LocalFile)
	if !ok {
		return true, nil
	}
	for _, mode := range local.Directive("txmode") {
		switch {
		case mode == "file":
		case mode == "none" && name == dialect.Postgres:
			return false, nil
		default:
			return false, fmt.Errorf("%s: txmode %s: not here: it is file, or on PostgreSQL none", f.Name(), mode)
		}
	}
	return true, nil
}

// failed says where and why a file failed.
func failed(f migrate.File, err error) error {
	var stmt *migrate.StmtExecError
	if errors.As(err, &stmt) {
		return fmt.Errorf("%s:%d: %w, in: %s", f.Name(), line(f, stmt.Stmt), stmt.Err, stmt.Stmt.Text)
	}
	return fmt.Errorf("%s: %w", f.Name(), err)
}
