// Package migration writes, checks and applies the versioned SQL migrations.
//
// The schemas in ent/schema say what the database is to be. Diff writes the
// next file of a directory, with the Atlas library: the tables as ent describes
// them, and around them what ent cannot say, which is kept here: exclusion
// constraints, triggers, views, and keys over copied columns.
//
// Lint says what a file would do to those who use the database meanwhile, and
// Replay where a whole directory leads to. Both work in an empty database.
//
// Apply and StatusOf keep the revision table of the atlas command, and its
// lock, so that either can take over from the other.
package migration

import (
	"context"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	atlas "ariga.io/atlas/sql/schema"
	"ariga.io/atlas/sql/sqlite"
	"entgo.io/ent/dialect"

	"docket/internal/database"
)

// Up applies what the binary carries and the database lacks.
func Up(ctx context.Context, db *database.DB) ([]string, error) {
	dir, err := Embedded(db.Dialect)
	if err != nil {
		return nil, err
	}
	return Apply(ctx, db, dir)
}

// open is the Atlas driver on a database, a connection or a transaction.
func open(name string, db atlas.ExecQuerier) (migrate.Driver, error) {
	if name == dialect.SQLite {
		return sqlite.Open(db)
	}
	return postgres.Open(db)
}

// line is where in its file a statement begins. Atlas counts positions from
// behind a delimiter directive, so the text is looked for from there on.
func line(f migrate.File, s *migrate.Stmt) int {
	text := string(f.Bytes())
	at := min(s.Pos, len(text))
	if found := strings.Index(text[at:], s.Text); found > 0 {
		at += found
	}
	return 1 + strings.Count(text[:at], "\n")
}
