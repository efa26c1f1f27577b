package migration

import (
	"context"
	"errors"

	"ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/schema"

	"docket/internal/database"
)

// onEmpty runs f, which may do what it likes to the database of drv: it has to
// be empty, and is again afterwards.
func onEmpty(ctx context.Context, drv migrate.Driver, f func() error) (err error) {
	restore, err := drv.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, restore(context.WithoutCancel(ctx))) }()
	return f()
}

// replay runs dir on dev, and returns the tables and the objects that it makes.
func replay(ctx context.Context, dev *database.DB, drv migrate.Driver, dir migrate.Dir) (current *atlas.Schema, have []object, err error) {
	err = onEmpty(ctx, drv, func() error {
		files, err := dir.Files()
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := execute(ctx, drv, f, nil); err != nil {
				return err
			}
		}
		if current, err = inspect(ctx, drv); err != nil {
			return err
		}
		have, err = inspectObjects(ctx, dev)
		return err
	})
	return current, have, err
}

// execute runs a file and, where it is given, after each statement then.
func execute(ctx context.Context, drv migrate.Driver, f migrate.File, then func(*migrate.Stmt) error) error {
	stmts, err := migrate.FileStmtDecls(drv, f)
	if err != nil {
		return failed(f, err)
	}
	for _, s := range stmts {
		if _, err := drv.ExecContext(ctx, s.Text); err != nil {
			return failed(f, &migrate.StmtExecError{File: f, Stmt: s, Err: err})
		}
		if then == nil {
			continue
		}
		if err := then(s); err != nil {
			return failed(f, err)
		}
	}
	return nil
}

// inspect returns the tables of the schema that drv works in.
func inspect(ctx context.Context, drv migrate.Driver) (*atlas.Schema, error) {
	return drv.InspectSchema(ctx, "", &atlas.InspectOptions{Mode: atlas.InspectSchemas | atlas.InspectTables})
}
