// Package migration writes, checks and applies the versioned SQL migrations.
//
// The schemas in ent/schema say what the database is to be. Diff writes the
// next file of a directory, with the Atlas library: the tables as ent describes
// them, and around them what ent cannot say, which is kept here: exclusion
// constraints, triggers, views, and keys over copied columns. Apply and Status
// keep the revision table of the atlas command, so that either can take over.
package migration

import (
	"context"
	"fmt"
	"io/fs"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/sqlite"
	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/migrations"
)

// Folder is the name of a dialect's folder of migrations.
func Folder(name string) string {
	if name == dialect.SQLite {
		return "sqlite"
	}
	return "postgres"
}

// Embedded is the directory of migrations of a dialect that the binary carries.
func Embedded(name string) (migrate.Dir, error) {
	folder, err := fs.Sub(migrations.FS, Folder(name))
	if err != nil {
		return nil, err
	}
	dir := &migrate.MemDir{}
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := fs.ReadFile(folder, e.Name())
		if err != nil {
			return nil, err
		}
		if err := dir.WriteFile(e.Name(), text); err != nil {
			return nil, err
		}
	}
	if err := migrate.Validate(dir); err != nil {
		return nil, fmt.Errorf("the embedded migrations for %s: %w", name, err)
	}
	return dir, nil
}

func open(db *database.DB) (migrate.Driver, error) {
	if db.Dialect == dialect.SQLite {
		return sqlite.Open(db)
	}
	return postgres.Open(db)
}

// Up applies what the binary carries and the database lacks.
func Up(ctx context.Context, db *database.DB) ([]string, error) {
	dir, err := Embedded(db.Dialect)
	if err != nil {
		return nil, err
	}
	return Apply(ctx, db, dir)
}
