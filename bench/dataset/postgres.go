package dataset

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// LoadPostgres fills the migrated, empty database. What is checked or indexed
// is taken away first and built again at the end, whatever the migrations
// made: that is many times faster than row by row.
func (s Scale) LoadPostgres(ctx context.Context, db *sql.DB) error {
	dropped, err := strip(ctx, db)
	if err != nil {
		return err
	}
	for _, t := range s.tables() {
		if err := copyIn(ctx, db, t); err != nil {
			return fmt.Errorf("copy %s: %w", t.name, err)
		}
	}
	if err := rebuild(ctx, db, dropped); err != nil {
		return err
	}
	return exec(ctx, db, after...)
}

// object is an index or a constraint.
type object struct {
	table         string // "" for what needs the indexes of another table
	drop, restore string
}

// strip drops indexes and constraints, and returns them in the order in which
// they can be made again.
func strip(ctx context.Context, db *sql.DB) (found []object, err error) {
	rows, err := db.QueryContext(ctx, droppable)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o object
		if err := rows.Scan(&o.table, &o.drop, &o.restore); err != nil {
			return nil, err
		}
		found = append(found, o)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, o := range slices.Backward(found) {
		if err := exec(ctx, db, o.drop); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// rebuild makes the objects again, those of different tables at the same time:
// the exclusions take longer than all else, and each keeps one core busy.
func rebuild(ctx context.Context, db *sql.DB, dropped []object) error {
	work := map[string][]string{}
	for _, o := range dropped {
		work[o.table] = append(work[o.table], o.restore)
	}
	last := work[""]
	delete(work, "")
	done := make(chan error)
	for _, statements := range work {
		go func() { done <- exec(ctx, db, statements...) }()
	}
	var err error
	for range work {
		err = errors.Join(err, <-done)
	}
	if err != nil {
		return err
	}
	return exec(ctx, db, last...)
}

// droppable is all that slows a load down and does not change what it loads:
// indexes and exclusions in the order in which the migrations made them, by
// which the planner chooses among equals, then foreign keys.
const droppable = `
SELECT "table", drop, restore FROM (
	SELECT false AS last, i.indexrelid AS made, i.indrelid::regclass::text AS "table",
		CASE WHEN k.oid IS NULL THEN 'DROP INDEX ' || indexrelid::regclass
		ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', indrelid::regclass, conname) END AS drop,
		CASE WHEN k.oid IS NULL THEN pg_get_indexdef(indexrelid)
		ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', indrelid::regclass, conname, pg_get_constraintdef(k.oid)) END AS restore
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
	LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype <> 'f'
	WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisprimary
	UNION ALL
	SELECT true, oid, '', format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
		format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
	FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
) o ORDER BY last, made`

// after makes the database what it would be after a day in service.
var after = []string{
	`SELECT setval(pg_get_serial_sequence(t, 'id'), m) FROM (
		SELECT 'providers', max(id) FROM providers UNION ALL SELECT 'clients', max(id) FROM clients
		UNION ALL SELECT 'appointments', max(id) FROM appointments
		UNION ALL SELECT 'reservations', max(id) FROM reservations) o(t, m)`,
	`VACUUM (ANALYZE, FREEZE)`,
	`CHECKPOINT`,
}

func copyIn(ctx context.Context, db *sql.DB, t table) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	// The audit trail would double it. LoadSQLite takes all triggers away.
	if err := exec(ctx, tx, fmt.Sprintf("ALTER TABLE %s DISABLE TRIGGER USER", t.name)); err != nil {
		return err
	}
	into, err := tx.PrepareContext(ctx, fmt.Sprintf("COPY %s (%s) FROM STDIN", t.name, strings.Join(t.columns, ", ")))
	if err != nil {
		return err
	}
	defer func() { _ = into.Close() }()
	for row := range t.rows {
		if _, err := into.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	if _, err := into.ExecContext(ctx); err != nil {
		return err
	}
	if err := exec(ctx, tx, fmt.Sprintf("ALTER TABLE %s ENABLE TRIGGER USER", t.name)); err != nil {
		return err
	}
	return tx.Commit()
}

// executor is a database, or one connection to it.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func exec(ctx context.Context, on executor, statements ...string) error {
	for _, text := range statements {
		if _, err := on.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}
