package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/migration"
	"docket/internal/pgtest"
)

// folder is where the migrations of a source tree are.
type folder struct {
	Dir string `help:"The folder of the migrations, with one for each database." default:"migrations"`
}

type diffCommand struct {
	Name  string `arg:"" optional:"" help:"What the migration does, as in add_rooms."`
	Check bool   `help:"Write nothing; exit with 1 if there would be something to write."`
	folder
}

// Run writes a migration for each database, where it has something to do.
func (c diffCommand) Run(ctx context.Context, out io.Writer) error {
	if c.Check {
		return c.check(ctx, out)
	}
	now := time.Now()
	return c.each(ctx, func(path string, dev *database.DB, dir migrate.Dir) error {
		file, err := migration.Diff(ctx, dev, dir, now, c.Name)
		if err != nil {
			return err
		}
		if file == "" {
			return say(out, "%s: nothing to do, the migrations are up to date\n", path)
		}
		return say(out, "%s: wrote %s\n", path, file)
	})
}

func (c diffCommand) check(ctx context.Context, out io.Writer) error {
	missing := 0
	err := c.each(ctx, func(path string, dev *database.DB, dir migrate.Dir) error {
		statements, err := migration.Missing(ctx, dev, dir)
		missing += len(statements)
		return errors.Join(err, list(out, path+": lacks: ", statements))
	})
	if err == nil && missing > 0 {
		err = errors.New("the migrations do not lead to what ent/schema describes: run docket migrate diff NAME")
	}
	return err
}

type lintCommand struct {
	GitBase string `help:"Lint the files that this revision lacks." placeholder:"REV" xor:"base"`
	Latest  int    `help:"Lint the latest N files; without either flag, the latest." placeholder:"N" xor:"base"`
	folder
}

// Run prints a line for each finding.
func (c lintCommand) Run(ctx context.Context, out io.Writer) error {
	found := 0
	err := c.each(ctx, func(path string, dev *database.DB, dir migrate.Dir) error {
		base, err := migration.Latest(dir, max(c.Latest, 1))
		if c.GitBase != "" {
			base, err = migration.Since(ctx, path, c.GitBase)
		}
		if err != nil {
			return err
		}
		findings, err := migration.Lint(ctx, dev, dir, base)
		if err != nil {
			return err
		}
		for _, f := range findings {
			found++
			f.File = filepath.Join(path, f.File)
			if err := say(out, "%s\n", f); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && found > 0 {
		err = fmt.Errorf("lint found %d; docs/migrations.md says what the codes mean", found)
	}
	return err
}

type validateCommand struct{ folder }

// Run replays each folder, and compares what they make.
func (c validateCommand) Run(ctx context.Context, out io.Writer) error {
	var paths []string
	var made []migration.Logical
	err := c.each(ctx, func(path string, dev *database.DB, dir migrate.Dir) error {
		l, err := migration.Replay(ctx, dev, dir)
		if err != nil {
			return err
		}
		paths, made = append(paths, path), append(made, l)
		return say(out, "%s: unchanged, and applies to an empty database\n", path)
	})
	if err != nil {
		return err
	}
	a, b := made[0].Without(made[1]), made[1].Without(made[0])
	if err := errors.Join(list(out, "only in "+paths[0]+": ", a), list(out, "only in "+paths[1]+": ", b)); err != nil {
		return err
	}
	if len(a)+len(b) > 0 {
		return errors.New("the folders do not describe the same schema")
	}
	return say(out, "both describe the same schema\n")
}

type hashCommand struct{ folder }

// Run writes the checksums.
func (c hashCommand) Run() error {
	for _, name := range dialects() {
		dir, err := migration.Local(c.Dir, name)
		if err != nil {
			return err
		}
		if err := migration.Hash(dir); err != nil {
			return err
		}
	}
	return nil
}

func dialects() []string { return []string{dialect.Postgres, dialect.SQLite} }

// each calls f with each folder of migrations and an empty database to work in.
func (c folder) each(ctx context.Context, f func(path string, dev *database.DB, dir migrate.Dir) error) error {
	for _, name := range dialects() {
		path := filepath.Join(c.Dir, migration.Folder(name))
		if err := c.one(ctx, name, path, f); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func (c folder) one(ctx context.Context, name, path string, f func(path string, dev *database.DB, dir migrate.Dir) error) error {
	dir, err := migration.Local(c.Dir, name)
	if err != nil {
		return err
	}
	dev, stop, err := throwaway(ctx, name)
	if err != nil {
		return err
	}
	defer stop()
	return f(path, dev, dir)
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
