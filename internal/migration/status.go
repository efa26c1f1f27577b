package migration

import (
	"context"
	"errors"
	"fmt"

	"ariga.io/atlas/sql/migrate"

	"docket/internal/database"
)

// Status is where a database stands.
type Status struct {
	Applied []*migrate.Revision // oldest first; of the last, maybe only a part
	Pending []string            // the names of the files to apply next
}

// Current is the version of the database; "" before the first.
func (s Status) Current() string {
	if len(s.Applied) == 0 {
		return ""
	}
	return s.Applied[len(s.Applied)-1].Version
}

// StatusOf compares a database with dir. It only reads, so that a role which
// may not create tables can ask, too.
func StatusOf(ctx context.Context, db *database.DB, dir migrate.Dir) (Status, error) {
	if err := checksum(dir); err != nil {
		return Status{}, err
	}
	history := revisions{db, db.Dialect}
	ex, err := executor(ctx, history, dir)
	if err != nil {
		return Status{}, err
	}
	var s Status
	if s.Applied, err = history.ReadRevisions(ctx); err != nil {
		return Status{}, err
	}
	files, err := ex.Pending(ctx)
	if err != nil && !errors.Is(err, migrate.ErrNoPendingFiles) {
		return Status{}, err
	}
	for _, f := range files {
		s.Pending = append(s.Pending, f.Name())
	}
	return s, nil
}

// Preview returns the files that Apply would apply now, in its order. Where it
// would go on with a file that has failed halfway, that is the first.
func Preview(ctx context.Context, db *database.DB, dir migrate.Dir) ([]migrate.File, error) {
	if err := checksum(dir); err != nil {
		return nil, err
	}
	ex, err := executor(ctx, revisions{db, db.Dialect}, dir)
	if err != nil {
		return nil, err
	}
	files, err := ex.Pending(ctx)
	if errors.Is(err, migrate.ErrNoPendingFiles) {
		return nil, nil
	}
	return files, err
}

// Pending returns the names of the files of dir that the database lacks.
func Pending(ctx context.Context, db *database.DB, dir migrate.Dir) ([]string, error) {
	s, err := StatusOf(ctx, db, dir)
	return s.Pending, err
}

// executor applies dir to the database whose history is given. It refuses one
// that holds tables though nothing was applied: it is somebody else's.
func executor(ctx context.Context, history revisions, dir migrate.Dir) (*migrate.Executor, error) {
	drv, err := open(history.dialect, history.ExecQuerier)
	if err != nil {
		return nil, err
	}
	all, err := history.ReadRevisions(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		if err := checkEmpty(ctx, drv); err != nil {
			return nil, err
		}
	}
	// Atlas itself would look for tables in all schemas of the server.
	return migrate.NewExecutor(drv, dir, history, migrate.WithAllowDirty(true), migrate.WithOperatorVersion("docket"))
}

func checkEmpty(ctx context.Context, drv migrate.Driver) error {
	s, err := inspect(ctx, drv)
	if err != nil {
		return err
	}
	for _, t := range s.Tables {
		if t.Name != revisionTable {
			return fmt.Errorf("the database has a table %s, but none of these migrations was applied to it", t.Name)
		}
	}
	return nil
}
