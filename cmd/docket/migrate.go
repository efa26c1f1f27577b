package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ariga.io/atlas/sql/migrate"

	"docket/internal/config"
	"docket/internal/database"
	"docket/internal/migration"
)

type migrateCommands struct {
	Diff     diffCommand     `cmd:"" help:"Write the migrations that lead to what ent/schema describes."`
	Apply    applyCommand    `cmd:"" help:"Apply to a database what it lacks."`
	Status   statusCommand   `cmd:"" help:"Print what a database has and lacks. Exits with 1 if it lacks something."`
	Lint     lintCommand     `cmd:"" help:"Report what is dangerous in new migrations. Exits with 1 if anything is."`
	Validate validateCommand `cmd:"" help:"Check that the migrations are unchanged, apply to an empty database, and lead to the same on both."`
	Hash     hashCommand     `cmd:"" help:"Write atlas.sum anew, after a new migration was edited by hand."`
}

// target is a database, and the migrations to bring to it.
type target struct {
	Database string `help:"sqlite://PATH or postgres://…" placeholder:"URL" default:"sqlite://docket.db"`
	Dir      string `help:"Take the migrations from this folder instead of the binary." placeholder:"DIR"`

	Environment        config.Environment `help:"Where the database is used: ${enum}." enum:"local,development,staging,production" default:"local"`
	DatabaseUnverified bool               `help:"In staging and production, let PostgreSQL on another machine go without proving who it is."`
}

// open connects to the database and opens the directory for its dialect.
func (t target) open(ctx context.Context) (*database.DB, migrate.Dir, error) {
	if err := config.Verified(t.Environment, t.Database, t.DatabaseUnverified); err != nil {
		return nil, nil, err
	}
	db, err := database.Open(t.Database)
	if err != nil {
		return nil, nil, fmt.Errorf("database: %w", err)
	}
	if err := db.Connect(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("database: %w", err), db.Close())
	}
	dir, err := migration.Embedded(db.Dialect)
	if t.Dir != "" {
		dir, err = migration.Local(t.Dir, db.Dialect)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, dir, nil
}

type applyCommand struct {
	target
	DryRun bool `help:"Apply nothing: print what would be applied, in SQL."`
}

// Run applies what is pending, each file by itself.
func (c applyCommand) Run(ctx context.Context, out io.Writer) (err error) {
	db, dir, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if c.DryRun {
		return preview(ctx, db, dir, out)
	}
	applied, err := migration.Apply(ctx, db, dir)
	if err == nil && len(applied) == 0 {
		return say(out, upToDate)
	}
	return errors.Join(err, list(out, "applied ", applied))
}

const upToDate = "nothing to do, the database is up to date\n"

func preview(ctx context.Context, db *database.DB, dir migrate.Dir, out io.Writer) error {
	files, err := migration.Preview(ctx, db, dir)
	if err == nil && len(files) == 0 {
		return say(out, upToDate)
	}
	for _, file := range files {
		err = errors.Join(err, say(out, "would apply %s\n%s\n", file.Name(), file.Bytes()))
	}
	return err
}

type statusCommand struct{ target }

// Run prints where the database stands.
func (c statusCommand) Run(ctx context.Context, out io.Writer) (err error) {
	db, dir, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := migration.StatusOf(ctx, db, dir)
	if err != nil {
		return err
	}
	version := s.Current()
	if version == "" {
		version = "none"
	}
	var applied []string
	for _, r := range s.Applied {
		applied = append(applied, describe(r))
	}
	err = errors.Join(say(out, "version %s\n", version), list(out, "applied ", applied), list(out, "pending ", s.Pending))
	if err == nil && len(s.Pending) > 0 {
		err = fmt.Errorf("not up to date: %d pending", len(s.Pending))
	}
	return err
}

func describe(r *migrate.Revision) string {
	text := fmt.Sprintf("%s %s, %s, by %s", r.Version, r.Description, r.ExecutedAt.UTC().Format(time.RFC3339), r.OperatorVersion)
	if r.Applied < r.Total {
		text += fmt.Sprintf("; only %d of %d statements: %s", r.Applied, r.Total, r.Error)
	}
	return text
}

// say prints, and fails where nobody can read it.
func say(out io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(out, format, args...)
	return err
}

// list prints a line for each text.
func list(out io.Writer, prefix string, texts []string) error {
	for _, text := range texts {
		if err := say(out, "%s%s\n", prefix, text); err != nil {
			return err
		}
	}
	return nil
}
