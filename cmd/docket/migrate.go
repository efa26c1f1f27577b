package main

import (
	"context"
	"fmt"
	"path/filepath"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/migration"
	"docket/internal/pgtest"
)

type migrateCommands struct {
	Diff diffCommand `cmd:"" help:"Write the migrations that lead to what ent/schema describes."`
}

type diffCommand struct {
	Name string `arg:"" help:"What the migration does, as in add_rooms."`
	Dir  string `help:"The folder of the migrations." default:"migrations" type:"path"`
}

// Run writes a migration for each database, where it has something to do.
func (c diffCommand) Run(ctx context.Context) error {
	return eachDialect(ctx, c.Dir, func(dev *database.DB, dir migrate.Dir) error {
		file, err := migration.Diff(ctx, dev, dir, c.Name)
		switch folder := migration.Folder(dev.Dialect); {
		case err != nil:
			return fmt.Errorf("%s: %w", folder, err)
		case file == "":
			fmt.Printf("%s: nothing to do, the migrations are up to date\n", folder)
		default:
			fmt.Printf("%s: wrote %s\n", folder, filepath.Join(c.Dir, folder, file))
		}
		return nil
	})
}

// eachDialect calls f with each folder of migrations and an empty database to work in.
func eachDialect(ctx context.Context, path string, f func(dev *database.DB, dir migrate.Dir) error) error {
	for _, name := range []string{dialect.Postgres, dialect.SQLite} {
		dir, err := migrate.NewLocalDir(filepath.Join(path, migration.Folder(name)))
		if err != nil {
			return err
		}
		dev, stop, err := throwaway(ctx, name)
		if err != nil {
			return err
		}
		err = f(dev, dir)
		stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// throwaway is an empty database that is gone after stop.
func throwaway(ctx context.Context, name string) (db *database.DB, stop func(), err error) {
	if name == dialect.SQLite {
		db, err = database.Open("sqlite://:memory:")
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(1) // each connection would have a database of its own
		return db, func() { _ = db.Close() }, nil
	}
	server, err := pgtest.Start(ctx)
	if err != nil {
		return nil, nil, err
	}
	db, err = database.Open(server.DSN("postgres"))
	if err != nil {
		server.Stop()
		return nil, nil, err
	}
	return db, func() { _ = db.Close(); server.Stop() }, nil
}
