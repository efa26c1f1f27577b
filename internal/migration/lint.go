package migration

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
	_ "ariga.io/atlas/sql/postgres/postgrescheck" // analyzers for PostgreSQL
	"ariga.io/atlas/sql/sqlcheck"
	"ariga.io/atlas/sql/sqlclient"
	_ "ariga.io/atlas/sql/sqlite/sqlitecheck" // analyzers for SQLite
	"entgo.io/ent/dialect"

	"docket/internal/database"
)

// Finding is what Lint has against a statement.
type Finding struct {
	File string
	Line int
	Text string
	Code string // as in docs/migrations.md
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s (%s)", f.File, f.Line, f.Text, f.Code)
}

// Lint returns what is dangerous in the files of dir that base does not have,
// unless a directive says that it is meant:
//
//	-- atlas:nolint DS103
//
// above a statement or, followed by an empty line, at the top of the file;
// without a code it covers all of them. dev is an empty database to work in,
// which is left empty.
func Lint(ctx context.Context, dev *database.DB, dir migrate.Dir, base Base) ([]Finding, error) {
	if err := checksum(dir); err != nil {
		return nil, err
	}
	files, err := dir.Files()
	if err != nil {
		return nil, err
	}
	l, err := newLinter(dev)
	if err != nil {
		return nil, err
	}
	found := base.history(files)
	err = onEmpty(ctx, l.dev.Driver, func() error {
		for _, f := range files {
			if slices.Contains(base.Files, f.Name()) {
				if err := execute(ctx, l.dev.Driver, f, nil); err != nil {
					return err
				}
				continue
			}
			more, err := l.file(ctx, f)
			if err != nil {
				return err
			}
			found = append(found, more...)
		}
		return nil
	})
	return found, err
}

// linter analyzes files one after the other, on the database they apply to.
type linter struct {
	dev       *sqlclient.Client
	analyzers []sqlcheck.Analyzer
}

func newLinter(dev *database.DB) (*linter, error) {
	drv, err := open(dev.Dialect, dev)
	if err != nil {
		return nil, err
	}
	name := Folder(dev.Dialect) // what Atlas calls a dialect, too
	all, err := sqlcheck.AnalyzerFor(name, nil)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there are no analyzers for %s", name)
	}
	if dev.Dialect == dialect.SQLite {
		all = slices.Insert(all, 0, sqlcheck.Analyzer(sqlcheck.AnalyzerFunc(compact)))
	} else {
		all = append(all, &locking{created: map[string]bool{}})
	}
	return &linter{&sqlclient.Client{Name: name, DB: dev.DB, Driver: drv}, all}, nil
}

// file executes a file, and returns the findings in it.
func (l *linter) file(ctx context.Context, f migrate.File) ([]Finding, error) {
	checked, err := l.load(ctx, f)
	if err != nil {
		return nil, err
	}
	statements := map[int]*migrate.Stmt{}
	for _, c := range checked.Changes {
		statements[c.Stmt.Pos] = c.Stmt
	}
	var found []Finding
	for _, a := range l.analyzers {
		reported := false
		report := func(r sqlcheck.Report) {
			reported = true
			for _, d := range r.Diagnostics {
				if s := statements[d.Pos]; !silenced(f, s, a, d.Code) {
					found = append(found, Finding{f.Name(), line(f, s), d.Text, d.Code})
				}
			}
		}
		err := a.Analyze(ctx, &sqlcheck.Pass{File: checked, Dev: l.dev, Reporter: sqlcheck.ReportWriterFunc(report)})
		if err != nil && !reported { // else it only repeats the report
			return nil, failed(f, err)
		}
	}
	return found, nil
}

// load executes a file, and notes what each statement changes.
func (l *linter) load(ctx context.Context, f migrate.File) (*sqlcheck.File, error) {
	start, err := l.dev.InspectRealm(ctx, nil)
	if err != nil {
		return nil, err
	}
	file := &sqlcheck.File{File: f, From: start, To: start}
	err = execute(ctx, l.dev.Driver, f, func(s *migrate.Stmt) error {
		now, err := l.dev.InspectRealm(ctx, nil)
		if err != nil {
			return err
		}
		changes, err := l.dev.RealmDiff(file.To, now)
		if err != nil {
			return err
		}
		file.To = now
		file.Changes = append(file.Changes, &sqlcheck.Change{Stmt: s, Changes: changes})
		return nil
	})
	if err != nil {
		return nil, err
	}
	file.Sum, err = l.dev.RealmDiff(start, file.To)
	return file, err
}

// silenced reports whether a directive of the file or of the statement covers
// the code, by itself, by the name of its analyzer or by naming nothing.
func silenced(f migrate.File, s *migrate.Stmt, a sqlcheck.Analyzer, code string) bool {
	rules := s.Directive("nolint")
	if local, ok := f.(*migrate.LocalFile); ok {
		rules = append(rules, local.Directive("nolint")...)
	}
	named, _ := a.(sqlcheck.NamedAnalyzer)
	for _, rule := range rules {
		words := strings.Fields(rule)
		if len(words) == 0 || slices.Contains(words, code) || named != nil && slices.Contains(words, named.Name()) {
			return true
		}
	}
	return false
}
