package migration

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	atlas "ariga.io/atlas/sql/schema"
	"ariga.io/atlas/sql/sqlcheck"
	"entgo.io/ent/dialect"
)

// compact makes a rebuilt table look as Atlas expects it on SQLite, or it would
// report that the table is dropped: CREATE new_x, one statement that copies the
// rows, DROP x, RENAME. The one that sets where ids begin is one too many.
func compact(_ context.Context, p *sqlcheck.Pass) error {
	var kept []*sqlcheck.Change
	for _, c := range p.File.Changes {
		if n := len(kept); n > 0 && len(c.Changes) == 0 && len(kept[n-1].Changes) == 0 {
			continue
		}
		kept = append(kept, c)
	}
	p.File.Changes = kept
	return nil
}

// locking reports indexes that PostgreSQL would make or drop while nobody can
// write to the table. Its codes are those of the atlas command.
type locking struct {
	created map[string]bool // by the files analyzed so far: nobody uses these tables yet
}

// Name is what a nolint directive may say.
func (*locking) Name() string { return "concurrent_index" }

var indexForm = regexp.MustCompile(`(?i)^(CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX\s+(CONCURRENTLY\s)?`)

// Analyze reports what it finds.
func (l *locking) Analyze(_ context.Context, p *sqlcheck.Pass) error {
	inTx, err := transactional(p.File.File, dialect.Postgres)
	if err != nil {
		return err
	}
	var found []sqlcheck.Diagnostic
	for _, c := range p.File.Changes {
		table := l.existing(c.Changes)
		form := indexForm.FindStringSubmatch(c.Stmt.Text)
		switch {
		case form == nil:
		case form[2] != "" && inTx:
			found = append(found, sqlcheck.Diagnostic{Pos: c.Stmt.Pos, Code: "PG103", Text: "CONCURRENTLY does not work in a transaction; the file lacks the directive atlas:txmode none"})
		case form[2] == "" && table != "":
			code := map[string]string{"CREATE": "PG101", "DROP": "PG102"}[strings.ToUpper(form[1])]
			found = append(found, sqlcheck.Diagnostic{Pos: c.Stmt.Pos, Code: code, Text: fmt.Sprintf("An index that is made or dropped without CONCURRENTLY makes writes to table %q wait", table)})
		}
	}
	if len(found) > 0 {
		p.Reporter.WriteReport(sqlcheck.Report{Text: "writes would wait", Diagnostics: found})
	}
	return nil
}

// existing returns the table that changes modify, if it is in use already.
func (l *locking) existing(changes atlas.Changes) (table string) {
	for _, c := range changes {
		switch c := c.(type) {
		case *atlas.AddTable:
			l.created[c.T.Name] = true
		case *atlas.ModifyTable:
			if !l.created[c.T.Name] {
				table = c.T.Name
			}
		}
	}
	return table
}
