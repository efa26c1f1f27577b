package migration

import (
	"fmt"
	"regexp"
	"slices"

	"ariga.io/atlas/sql/migrate"
)

// SQLite changes most things of a table by making another one, copying the
// rows, dropping the old one and giving its name to the new one.
var (
	renameForm   = regexp.MustCompile("^ALTER TABLE `new_(.+)` RENAME TO `(.+)`$")
	sequenceForm = regexp.MustCompile(`^INSERT INTO sqlite_sequence .*"new_`)
)

// rebuilds reports whether a plan rebuilds a table.
func rebuilds(plan *migrate.Plan) bool {
	return slices.ContainsFunc(plan.Changes, func(c *migrate.Change) bool { return renameForm.MatchString(c.Cmd) })
}

// keepSequences lets the ids of a rebuilt table go on from where they were.
// Atlas begins with the greatest that is left: a row deleted before would give
// its id to another.
func keepSequences(plan *migrate.Plan) {
	var all []*migrate.Change
	for i, c := range plan.Changes {
		if sequenceForm.MatchString(c.Cmd) {
			continue
		}
		if i+1 < len(plan.Changes) {
			if next := renameForm.FindStringSubmatch(plan.Changes[i+1].Cmd); next != nil {
				all = append(all, copySequence(next[2])...)
			}
		}
		all = append(all, c)
	}
	plan.Changes = all
}

func copySequence(table string) []*migrate.Change {
	return []*migrate.Change{
		{Cmd: fmt.Sprintf("DELETE FROM sqlite_sequence WHERE name = 'new_%s'", table), Comment: fmt.Sprintf("keep the sequence of %q", table)},
		{Cmd: fmt.Sprintf("INSERT INTO sqlite_sequence (name, seq) SELECT 'new_%s', seq FROM sqlite_sequence WHERE name = '%s'", table, table)},
	}
}
