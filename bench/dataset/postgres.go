package dataset

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// LoadPostgres fills the migrated, empty database. What is checked or indexed
// is taken away first and built again at the end, whatever the migrations
// made: that is many times faster than row by row.
func (s Scale) LoadPostgres(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	restore, err := strip(ctx, conn)
	if err != nil {
		return err
	}
	for _, t := range s.tables() {
		if err := copyIn(ctx, conn, t); err != nil {
			return fmt.Errorf("copy %s: %w", t.name, err)
		}
	}
	return exec(ctx, conn, append(restore, after...)...)
}

// strip drops indexes and constraints and returns what makes them again.
func strip(ctx context.Context, conn *sql.Conn) (restore []string, err error) {
	rows, err := conn.QueryContext(ctx, droppable)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var drop []string
	for rows.Next() {
		var d, r string
		if err := rows.Scan(&d, &r); err != nil {
			return nil, err
		}
		drop = append([]string{d}, drop...) // a foreign key goes before the index it needs, and returns after it
		restore = append(restore, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return restore, exec(ctx, conn, drop...)
}

// droppable is all that slows a load down and does not change what it loads:
// indexes of their own, then exclusions, then foreign keys.
const droppable = `
SELECT drop, restore FROM (
	SELECT 1 AS pass, 'DROP INDEX ' || indexrelid::regclass AS drop, pg_get_indexdef(indexrelid) AS restore
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
	WHERE c.relnamespace = 'public'::regnamespace
	AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype <> 'f')
	UNION ALL
	SELECT CASE contype WHEN 'x' THEN 2 ELSE 3 END,
		format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
		format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
	FROM pg_constraint
	WHERE contype IN ('x', 'f') AND connamespace = 'public'::regnamespace
) o ORDER BY pass, drop`

// after makes the database what it would be after a day in service.
var after = []string{
	`SELECT setval(pg_get_serial_sequence(t, 'id'), m) FROM (
		SELECT 'providers', max(id) FROM providers UNION ALL SELECT 'clients', max(id) FROM clients
		UNION ALL SELECT 'appointments', max(id) FROM appointments
		UNION ALL SELECT 'reservations', max(id) FROM reservations) o(t, m)`,
	`VACUUM (ANALYZE, FREEZE)`,
	`CHECKPOINT`,
}

func copyIn(ctx context.Context, conn *sql.Conn, t table) (err error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
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
	return tx.Commit()
}

func exec(ctx context.Context, conn *sql.Conn, statements ...string) error {
	for _, text := range statements {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}
