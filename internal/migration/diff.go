package migration

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"docket/internal/database"
)

// nameForm keeps the names of files fit for every system and for the sum file.
var nameForm = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)

// Diff writes the migration that leads from what dir holds to what the schemas
// describe, and returns the name of its file; "" where nothing differs. dev is
// an empty database to work in, which is left empty.
func Diff(ctx context.Context, dev *database.DB, dir migrate.Dir, now time.Time, name string) (string, error) {
	if !nameForm.MatchString(name) {
		return "", fmt.Errorf("name %q: lower-case words joined by _ please, as in add_rooms", name)
	}
	plan, err := differences(ctx, dev, dir, name)
	if err != nil || len(plan.Changes) == 0 {
		return "", err
	}
	if plan.Version, err = nextVersion(dir, now); err != nil {
		return "", err
	}
	return plan.Version + "_" + name + ".sql", migrate.NewPlanner(nil, dir).WritePlan(plan)
}

// Missing returns the statements that Diff would write.
func Missing(ctx context.Context, dev *database.DB, dir migrate.Dir) ([]string, error) {
	plan, err := differences(ctx, dev, dir, "")
	if err != nil {
		return nil, err
	}
	var all []string
	for _, c := range plan.Changes {
		all = append(all, c.Cmd)
	}
	return all, nil
}

func differences(ctx context.Context, dev *database.DB, dir migrate.Dir, name string) (*migrate.Plan, error) {
	if err := checksum(dir); err != nil {
		return nil, err
	}
	drv, err := open(dev.Dialect, dev)
	if err != nil {
		return nil, err
	}
	current, have, err := replay(ctx, dev, drv, dir)
	if err != nil {
		return nil, err
	}
	desired, err := desired(ctx, dev, drv, current)
	if err != nil {
		return nil, err
	}
	changes, err := drv.SchemaDiff(current, desired)
	if err != nil {
		return nil, err
	}
	plan, err := drv.PlanChanges(ctx, name, changes, func(o *migrate.PlanOptions) { o.SchemaQualifier = new(string) })
	if err != nil {
		return nil, err
	}
	addObjects(plan, dev.Dialect, have)
	return plan, nil
}

// nextVersion is the moment, or where a clock was ahead, just after the newest
// file: a file that sorts before it would be refused where that is applied.
func nextVersion(dir migrate.Dir, now time.Time) (string, error) {
	const form = "20060102150405"
	now = now.UTC()
	files, err := dir.Files()
	if err != nil || len(files) == 0 {
		return now.Format(form), err
	}
	newest, err := time.Parse(form, files[len(files)-1].Version())
	if err != nil {
		return "", err
	}
	if after := newest.Add(time.Second); now.Before(after) {
		now = after
	}
	return now.Format(form), nil
}

// addObjects puts the changes of the objects around those of the tables.
func addObjects(plan *migrate.Plan, name string, have []object) {
	drop, create := changed(name, have)
	if name == dialect.SQLite && rebuilds(plan) {
		// SQLite loses a table's triggers with it, and refuses to rename a
		// table while a view speaks of the one that is gone.
		drop, create = have, objects(name)
		keepSequences(plan)
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
		if !slices.Contains(want, h) && !slices.ContainsFunc(want, h.replacedBy) {
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
