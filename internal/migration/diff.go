package migration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect"

	"docket/internal/database"
)

// Diff writes the migration that leads from what dir holds to what the schemas
// describe, and returns the name of its file; "" where nothing differs. dev is
// an empty database to work in, which is left empty.
func Diff(ctx context.Context, dev *database.DB, dir migrate.Dir, name string) (string, error) {
	if err := migrate.Validate(dir); err != nil {
		return "", err
	}
	drv, err := open(dev)
	if err != nil {
		return "", err
	}
	current, have, err := replay(ctx, dev, drv, dir)
	if err != nil {
		return "", err
	}
	desired, err := desired(ctx, dev, drv, current)
	if err != nil {
		return "", err
	}
	changes, err := drv.SchemaDiff(current, desired)
	if err != nil {
		return "", err
	}
	plan, err := drv.PlanChanges(ctx, name, changes, func(o *migrate.PlanOptions) { o.SchemaQualifier = new(string) })
	if err != nil {
		return "", err
	}
	plan.Version = migrate.NewVersion()
	addObjects(plan, dev.Dialect, have)
	if len(plan.Changes) == 0 {
		return "", nil
	}
	return plan.Version + "_" + name + ".sql", migrate.NewPlanner(nil, dir).WritePlan(plan)
}

// replay runs dir on dev, and returns the tables and the objects that it makes.
func replay(ctx context.Context, dev *database.DB, drv migrate.Driver, dir migrate.Dir) (current *atlas.Schema, have []object, err error) {
	restore, err := drv.(migrate.Snapshoter).Snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, restore(ctx)) }()
	ex, err := migrate.NewExecutor(drv, dir, &migrate.NopRevisionReadWriter{})
	if err != nil {
		return nil, nil, err
	}
	if err := ex.ExecuteN(ctx, 0); err != nil && !errors.Is(err, migrate.ErrNoPendingFiles) {
		return nil, nil, err
	}
	if current, err = drv.InspectSchema(ctx, "", &atlas.InspectOptions{Mode: atlas.InspectSchemas | atlas.InspectTables}); err != nil {
		return nil, nil, err
	}
	have, err = inspectObjects(ctx, dev)
	return current, have, err
}

// addObjects puts the changes of the objects around those of the tables.
func addObjects(plan *migrate.Plan, name string, have []object) {
	drop, create := changed(name, have)
	if name == dialect.SQLite && rebuilds(plan) {
		// SQLite loses a table's triggers with it, and refuses to rename a
		// table while a view speaks of the one that is gone.
		drop, create = have, objects(name)
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
	plan.Changes = slices.Concat(before, plan.Changes, after)
	if name == dialect.SQLite {
		plan.Delimiter = "\n\n" // a trigger has semicolons inside
	}
}

// changed are the objects to drop before, and to create after, the tables change.
func changed(name string, have []object) (drop, create []object) {
	want := objects(name)
	for _, h := range have {
		if !slices.Contains(want, h) {
			drop = append(drop, h)
		}
	}
	for _, w := range want {
		if !slices.Contains(have, w) {
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
