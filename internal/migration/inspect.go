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
		return scanObjects(ctx, dev.DB, `SELECT upper(type), name, sql, '' FROM sqlite_master WHERE type IN ('view', 'trigger') ORDER BY name`)
	}
	extensions, err := scanObjects(ctx, dev.DB, `SELECT 'EXTENSION', extname, 'CREATE EXTENSION IF NOT EXISTS ' || extname, ''
		FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname`)
	if err != nil {
		return nil, err
	}
	all, err := written(ctx, dev.DB)
	return append(extensions, all...), err
}

// definitions are the objects of PostgreSQL with a text, as it tells it: not as
// it was written.
const definitions = `
	SELECT 'TRIGGER' AS kind, tgname AS name, pg_get_triggerdef(t.oid) AS definition, c.relname AS table
	FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
	UNION ALL SELECT 'FUNCTION', proname, pg_get_functiondef(p.oid), '' FROM pg_proc p WHERE pronamespace = current_schema()::regnamespace
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
	UNION ALL SELECT 'VIEW', viewname, definition, '' FROM pg_views WHERE schemaname = current_schema()`

// written reads the objects with a text. Where one means what is wanted, the
// wanted text stands for it.
func written(ctx context.Context, db *sql.DB) ([]object, error) {
	have, err := scanObjects(ctx, db, definitions+` ORDER BY kind DESC, name`)
	if err != nil {
		return nil, err
	}
	want := objects(dialect.Postgres)
	for i, h := range have {
		at := slices.IndexFunc(want, func(w object) bool { return w.kind == h.kind && w.name == h.name && w.on == h.on })
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

// means makes an object once more, in a transaction that leaves no trace, to see
// what PostgreSQL makes of it. One that it refuses, for it speaks of what the
// migrations have yet to bring, means something else.
func means(ctx context.Context, db *sql.DB, o object, definition string) (bool, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }()
	var refused *pq.Error
	for _, stmt := range []string{o.drop() + " CASCADE", o.create} {
		if _, err := tx.ExecContext(ctx, stmt); errors.As(err, &refused) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	var made string
	err = tx.QueryRowContext(ctx, "SELECT definition FROM ("+definitions+") o WHERE kind = $1 AND name = $2", o.kind, o.name).Scan(&made)
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
		if err := rows.Scan(&o.kind, &o.name, &o.create, &o.on); err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, rows.Err()
}
