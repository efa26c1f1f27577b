package migration

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"entgo.io/ent/dialect"

	"docket/ent/entity"
	"docket/ent/schema"
	"docket/internal/overlap"
)

// views are the database's own views, by name; one text serves every database.
var views = map[string]string{
	schema.ClientProviders: "SELECT DISTINCT client_id, provider_id FROM reservations",
}

// object is a view, a trigger, a function or an extension: what ent and Atlas do
// not diff.
type object struct {
	kind, name, create string
	on                 string // the table of a trigger on PostgreSQL, where it is part of the name
}

func (o object) drop() string {
	drop := fmt.Sprintf("DROP %s IF EXISTS %s", o.kind, o.name)
	if o.on != "" {
		drop += " ON " + o.on
	}
	return drop
}

// replacedBy reports whether w takes the place of o as it is made: a function
// cannot be dropped while triggers hold on to it.
func (o object) replacedBy(w object) bool {
	return o.kind == "FUNCTION" && w.kind == o.kind && w.name == o.name
}

// extension gives PostgreSQL exclusion constraints over plain columns.
var extension = object{kind: "EXTENSION", name: "btree_gist", create: "CREATE EXTENSION IF NOT EXISTS btree_gist"}

// first reports whether the object must be there before the tables are.
func (o object) first() bool { return o.kind == extension.kind }

// objects are the objects that a database is to have.
func objects(name string) []object {
	var all []object
	if name == dialect.Postgres {
		all = append(all, extension)
	}
	for _, view := range slices.Sorted(maps.Keys(views)) {
		all = append(all, object{kind: "VIEW", name: view, create: fmt.Sprintf("CREATE VIEW %s AS %s", view, views[view])})
	}
	if name == dialect.SQLite {
		for _, x := range overlap.All() {
			all = append(all, trigger(x.Table, x.Exclusion, "INSERT"), trigger(x.Table, x.Exclusion, "UPDATE"))
		}
	}
	return append(all, changes(name)...)
}

// trigger does on SQLite, for one kind of write, what an exclusion constraint
// does on PostgreSQL. As there, an empty span overlaps nothing.
func trigger(table string, x entity.Exclusion, on string) object {
	columns := []string{x.Scope}
	conditions := []string{
		fmt.Sprintf("o.%s = NEW.%s", x.Scope, x.Scope),
		"o.id IS NOT NEW.id",
	}
	for _, s := range x.Spans {
		columns = append(columns, s.Start, s.End)
		conditions = append(conditions,
			before("o", s.Start, "o", s.End), before("NEW", s.Start, "NEW", s.End),
			// An end that is never reached sorts behind every time; written so,
			// an index on the start can be entered where it matters.
			fmt.Sprintf("o.%s < coalesce(NEW.%s, '~')", s.Start, s.End))
	}
	if x.Where != nil {
		columns = append(columns, x.Where.Column)
		for _, row := range []string{"o", "NEW"} {
			conditions = append(conditions, fmt.Sprintf("%s.%s = '%s'", row, x.Where.Column, x.Where.Value))
		}
	}
	name := x.Constraint + "_" + strings.ToLower(on)
	if on == "UPDATE" {
		on += " OF " + strings.Join(columns, ", ")
	}
	return object{kind: "TRIGGER", name: name, create: fmt.Sprintf(
		"CREATE TRIGGER %s BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, '%s') WHERE EXISTS (%s); END",
		name, on, table, x.Constraint, rivals(table, x, strings.Join(conditions, " AND ")))}
}

// rivals selects the rows that begin before NEW ends and end after it begins.
// Where rows have one span each, those that are there do not overlap, so the
// last to begin is also the last to end: one step in an index, not a scan.
func rivals(table string, x entity.Exclusion, conditions string) string {
	if len(x.Spans) == 1 {
		s := x.Spans[0]
		return fmt.Sprintf("SELECT 1 FROM (SELECT %s FROM %s AS o WHERE %s ORDER BY o.%s DESC LIMIT 1) AS o WHERE %s",
			s.End, table, conditions, s.Start, before("NEW", s.Start, "o", s.End))
	}
	for _, s := range x.Spans {
		conditions += " AND " + before("NEW", s.Start, "o", s.End)
	}
	return fmt.Sprintf("SELECT 1 FROM %s AS o WHERE %s", table, conditions)
}

// before is the condition a.start < b.end, where a null end is never reached.
func before(a, start, b, end string) string {
	return fmt.Sprintf("(%s.%s IS NULL OR %s.%s < %s.%s)", b, end, a, start, b, end)
}
