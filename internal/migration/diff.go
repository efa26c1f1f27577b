package migration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"

	"docket/internal/database"
)

// Diff writes the migration that leads from what dir holds to what the schemas
// describe, and returns the name of its file; "" where nothing differs. dev is
// an empty database to work in, which is left empty.
func Diff(ctx context.Context, dev *database.DB, dir migrate.Dir, name string) (string, error) {
	want, err := tables(dev.Dialect)
	if err != nil {
		return "", err
	}
	have, err := replayObjects(ctx, dev, dir)
	if err != nil {
		return "", err
	}
	f := &formatter{dialect: dev.Dialect, have: have}
	opts := []schema.MigrateOption{
		schema.WithDir(dir), schema.WithFormatter(f), schema.WithMigrationMode(schema.ModeReplay),
		schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithErrNoPlan(true),
	}
	if dev.Dialect == dialect.Postgres {
		opts = append(opts, schema.WithDiffHook(addExclusions))
	}
	m, err := schema.NewMigrate(entsql.OpenDB(dev.Dialect, dev.DB), opts...)
	if err != nil {
		return "", err
	}
	err = m.NamedDiff(ctx, name, want...)
	if errors.Is(err, migrate.ErrNoPlan) {
		err = nil
		if drop, create := f.changed(); len(drop)+len(create) > 0 {
			err = migrate.NewPlanner(nil, dir, migrate.PlanFormat(f)).WritePlan(&migrate.Plan{
				Name: name, Version: migrate.NewVersion(),
			})
		}
	}
	return f.wrote, err
}

// formatter writes a plan as a file, with the objects around it.
type formatter struct {
	dialect string
	have    []object
	wrote   string
}

// Format makes the files of a plan.
func (f *formatter) Format(plan *migrate.Plan) ([]migrate.File, error) {
	drop, create := f.changed()
	if f.dialect == dialect.SQLite && rebuilds(plan) {
		// SQLite loses a table's triggers with it, and refuses to rename a
		// table while a view speaks of the one that is gone.
		drop, create = f.have, objects(f.dialect)
	}
	var before, after []*migrate.Change
	for _, o := range drop {
		before = append(before, &migrate.Change{Cmd: o.drop(), Comment: fmt.Sprintf("drop %s %q", strings.ToLower(o.kind), o.name)})
	}
	for _, o := range create {
		change := &migrate.Change{Cmd: o.create, Comment: fmt.Sprintf("create %s %q", strings.ToLower(o.kind), o.name)}
		if o.first() {
			before = append(before, change)
		} else {
			after = append(after, change)
		}
	}
	whole := *plan
	whole.Changes = slices.Concat(before, plan.Changes, after)
	if f.dialect == dialect.SQLite {
		whole.Delimiter = "\n\n" // a trigger has semicolons inside
	}
	files, err := migrate.DefaultFormatter.Format(&whole)
	if err == nil && len(files) > 0 {
		f.wrote = files[0].Name()
	}
	return files, err
}

// changed are the objects to drop before, and to create after, the tables change.
func (f *formatter) changed() (drop, create []object) {
	want := objects(f.dialect)
	for _, h := range f.have {
		if !slices.Contains(want, h) {
			drop = append(drop, h)
		}
	}
	for _, w := range want {
		if !slices.Contains(f.have, w) {
			create = append(create, w)
		}
	}
	return drop, create
}

func rebuilds(plan *migrate.Plan) bool {
	for _, c := range plan.Changes {
		if strings.Contains(c.Cmd, " RENAME TO ") {
			return true
		}
	}
	return false
}

// replayObjects replays dir and returns the objects that it leaves,
// as texts that compare equal to those of objects where they mean the same.
func replayObjects(ctx context.Context, dev *database.DB, dir migrate.Dir) ([]object, error) {
	drv, err := open(dev)
	if err != nil {
		return nil, err
	}
	restore, err := drv.(migrate.Snapshoter).Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	ex, err := migrate.NewExecutor(drv, dir, &migrate.NopRevisionReadWriter{})
	if err == nil {
		err = ex.ExecuteN(ctx, 0)
	}
	if errors.Is(err, migrate.ErrNoPendingFiles) {
		err = nil
	}
	var have []object
	if err == nil {
		have, err = inspectObjects(ctx, dev)
	}
	return have, errors.Join(err, restore(ctx))
}

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
