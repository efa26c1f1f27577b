package migration

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"

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
// was written; where it means what is wanted, the wanted text stands for it.
func postgresViews(ctx context.Context, db *sql.DB) ([]object, error) {
	have, err := scanObjects(ctx, db, `SELECT 'VIEW', viewname, definition FROM pg_views WHERE schemaname = current_schema() ORDER BY viewname`)
	if err != nil {
		return nil, err
	}
	want := objects(dialect.Postgres)
	for i, h := range have {
		at := slices.IndexFunc(want, func(w object) bool { return w.kind == h.kind && w.name == h.name })
		if at < 0 {
			continue
		}
		same, err := means(ctx, db, want[at], h.create)
		if err != nil {
			return nil, err
		}
		if same {
			have[i] = want[at]
		}
	}
	return have, nil
}

// means makes a view once more, in a transaction that leaves no trace, to see
// what PostgreSQL makes of it. One that it refuses, for it speaks of what the
// migrations have yet to bring, means something else.
func means(ctx context.Context, db *sql.DB, view object, definition string) (bool, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }()
	var refused *pq.Error
	for _, stmt := range []string{view.drop() + " CASCADE", view.create} {
		if _, err := tx.ExecContext(ctx, stmt); errors.As(err, &refused) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	var made string
	err = tx.QueryRowContext(ctx, "SELECT pg_get_viewdef($1::regclass)", view.name).Scan(&made)
	return made == definition, err
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
