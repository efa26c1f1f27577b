package migration

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"entgo.io/ent/dialect"

	"docket/internal/database"
)

// inspectObjects returns the objects of dev, as texts that compare equal to
// those of objects where they mean the same.
func inspectObjects(ctx context.Context, dev *database.DB) ([]object, error) {
	if dev.Dialect == dialect.SQLite {
		return scanObjects(ctx, dev.DB, `SELECT upper(type), name, sql FROM sqlite_master WHERE type IN ('view', 'trigger') ORDER BY name`)
	}
	extensions, err := scanObjects(ctx, dev.DB, `SELECT 'EXTENSION', extname, 'CREATE EXTENSION IF NOT EXISTS ' || extname
		FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname`)
	if err != nil {
		return nil, err
	}
	all, err := postgresViews(ctx, dev.DB)
	return append(extensions, all...), err
}

// postgresViews reads the views. PostgreSQL keeps what a view means, not how it
// was written; so each wanted view is made once more, in a transaction that
// leaves no trace, and where both mean the same the wanted text stands for both.
func postgresViews(ctx context.Context, db *sql.DB) ([]object, error) {
	const query = `SELECT 'VIEW', viewname, definition FROM pg_views WHERE schemaname = current_schema() ORDER BY viewname`
	have, err := scanObjects(ctx, db, query)
	if err != nil || len(have) == 0 {
		return have, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	want := objects(dialect.Postgres)
	for _, o := range want {
		if o.first() {
			continue
		}
		for _, stmt := range []string{o.drop(), o.create} {
			if _, err := tx.ExecContext(ctx, stmt); err != nil {
				return nil, err
			}
		}
	}
	same, err := scanObjects(ctx, tx, query)
	if err != nil {
		return nil, err
	}
	for i, h := range have {
		if !slices.Contains(same, h) {
			continue
		}
		for _, w := range want {
			if w.name == h.name {
				have[i] = w
			}
		}
	}
	return have, nil
}

func scanObjects(ctx context.Context, db interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, query string,
) (all []object, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o object
		if err := rows.Scan(&o.kind, &o.name, &o.create); err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, rows.Err()
}
