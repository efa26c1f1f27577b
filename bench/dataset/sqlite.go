package dataset

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// LoadSQLite fills the migrated, empty file. Triggers and indexes wait until
// the end, as those of PostgreSQL do.
func (s Scale) LoadSQLite(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := exec(ctx, conn, "PRAGMA foreign_keys = OFF", "PRAGMA synchronous = OFF"); err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := s.fill(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return exec(ctx, conn, "ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)")
}

func (s Scale) fill(ctx context.Context, tx *sql.Tx) error {
	restore, err := stripSQLite(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range s.tables() {
		if err := insert(ctx, tx, t); err != nil {
			return fmt.Errorf("insert %s: %w", t.name, err)
		}
	}
	for _, text := range restore {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

func stripSQLite(ctx context.Context, tx *sql.Tx) (restore []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT 'DROP ' || type || ' "' || name || '"', sql FROM sqlite_schema
		WHERE type IN ('index', 'trigger') AND sql IS NOT NULL`)
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
		drop, restore = append(drop, d), append(restore, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, d := range drop {
		if _, err := tx.ExecContext(ctx, d); err != nil {
			return nil, err
		}
	}
	return restore, nil
}

func insert(ctx context.Context, tx *sql.Tx, t table) error {
	into, err := tx.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", t.name,
		strings.Join(t.columns, ", "), strings.Repeat(", ?", len(t.columns)-1)))
	if err != nil {
		return err
	}
	defer func() { _ = into.Close() }()
	for row := range t.rows {
		if _, err := into.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}
