package migration

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect"

	"docket/internal/database"
)

// Logical is what a database is apart from how its dialect says so: sorted
// sentences about its tables, such as "clients.subject: text, null".
type Logical []string

// Replay applies dir to the empty database dev, as Apply would to a new one,
// and returns where that leads. dev is left empty.
func Replay(ctx context.Context, dev *database.DB, dir migrate.Dir) (Logical, error) {
	drv, err := open(dev.Dialect, dev)
	if err != nil {
		return nil, err
	}
	var made Logical
	err = onEmpty(ctx, drv, func() error {
		if _, err := Apply(ctx, dev, dir); err != nil {
			return err
		}
		made, err = logical(ctx, dev, drv)
		return err
	})
	return made, err
}

// Without returns what l says and other does not.
func (l Logical) Without(other Logical) Logical {
	var only Logical
	for _, sentence := range l {
		if _, found := slices.BinarySearch(other, sentence); !found {
			only = append(only, sentence)
		}
	}
	return only
}

func logical(ctx context.Context, dev *database.DB, drv migrate.Driver) (Logical, error) {
	s, err := inspect(ctx, drv)
	if err != nil {
		return nil, err
	}
	var all Logical
	for _, t := range s.Tables {
		if t.Name != revisionTable && t.Name != askingTable { // which only SQLite needs
			all = append(all, ofTable(t)...)
		}
	}
	if all, err = addObjectNames(ctx, dev, all); err != nil {
		return nil, err
	}
	if all, err = addFirstIDs(ctx, dev, all); err != nil {
		return nil, err
	}
	slices.Sort(all)
	return all, nil
}

func ofTable(t *atlas.Table) Logical {
	all := Logical{"table " + t.Name}
	add := func(format string, args ...any) { all = append(all, t.Name+fmt.Sprintf(format, args...)) }
	for _, c := range t.Columns {
		null := "not null"
		if c.Type.Null {
			null = "null"
		}
		add(".%s: %s, %s%s", c.Name, class(c.Type.Type), null, ofDefault(c.Default))
	}
	if t.PrimaryKey != nil {
		add(": primary key %s", ofParts(t.PrimaryKey))
	}
	for _, i := range t.Indexes {
		if exclusive(i) {
			continue // compared by name, with the triggers of SQLite
		}
		add(": index %s %s, unique %t", i.Name, ofParts(i), i.Unique)
	}
	for _, k := range t.ForeignKeys {
		add(": foreign key %s %s to %s %s, on delete %s", k.Symbol, ofColumns(k.Columns), k.RefTable.Name, ofColumns(k.RefColumns), ofAction(k.OnDelete))
	}
	for _, a := range t.Attrs {
		if check, ok := a.(*atlas.Check); ok {
			add(": check %s", check.Name)
		}
	}
	return all
}

// class is what of a type both dialects know.
func class(t atlas.Type) string {
	switch t.(type) {
	case *atlas.StringType, *atlas.EnumType:
		return "text"
	default:
		name := strings.TrimSuffix(fmt.Sprintf("%T", t), "Type")
		return strings.ToLower(name[strings.LastIndex(name, ".")+1:])
	}
}

// ofDefault drops the quotes, brackets and casts that a dialect adds.
func ofDefault(x atlas.Expr) string {
	if x == nil {
		return ""
	}
	var text string
	switch x := x.(type) {
	case *atlas.Literal:
		text = x.V
	case *atlas.RawExpr:
		text = x.X
	}
	text, _, _ = strings.Cut(text, "::")
	return ", default " + strings.Trim(text, "()'\"")
}

func ofParts(i *atlas.Index) string {
	var names []string
	for _, p := range i.Parts {
		if p.C != nil {
			names = append(names, p.C.Name)
		} else {
			names = append(names, fmt.Sprint(p.X))
		}
	}
	return "(" + strings.Join(names, ", ") + ")"
}

func ofColumns(columns []*atlas.Column) string {
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return "(" + strings.Join(names, ", ") + ")"
}

func ofAction(o atlas.ReferenceOption) atlas.ReferenceOption {
	if o == "" {
		return atlas.NoAction
	}
	return o
}

func exclusive(i *atlas.Index) bool {
	return slices.ContainsFunc(i.Attrs, func(a atlas.Attr) bool {
		c, ok := a.(*postgres.Constraint)
		return ok && c.T == "x"
	})
}

// addObjectNames adds the views, the triggers, and what no two rows may share: a
// constraint on PostgreSQL, on SQLite a pair of triggers.
func addObjectNames(ctx context.Context, dev *database.DB, all Logical) (Logical, error) {
	query := `SELECT 'view', viewname, '', '' FROM pg_views WHERE schemaname = current_schema()
		UNION ALL SELECT 'trigger', tgname, '', '' FROM pg_trigger WHERE NOT tgisinternal AND tgname NOT LIKE '%\_truncated'
		UNION ALL SELECT 'exclusion', conname, '', '' FROM pg_constraint WHERE contype = 'x' AND connamespace = current_schema()::regnamespace`
	if dev.Dialect == dialect.SQLite {
		query = `SELECT 'view', name, '', '' FROM sqlite_master WHERE type = 'view'
			UNION ALL SELECT 'trigger', name, '', '' FROM sqlite_master WHERE type = 'trigger'
			AND (name LIKE '%\_created' ESCAPE '\' OR name LIKE '%\_changed' ESCAPE '\' OR name LIKE '%\_deleted' ESCAPE '\')
			UNION ALL SELECT DISTINCT 'trigger', 'changes_kept', '', '' FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'changes\_kept\_%' ESCAPE '\'
			UNION ALL SELECT 'exclusion', substr(name, 1, length(name) - 7), '', '' FROM sqlite_master
			WHERE type = 'trigger' AND name LIKE '%\_insert' ESCAPE '\'
			AND substr(name, 1, length(name) - 7) || '_update' IN (SELECT name FROM sqlite_master WHERE type = 'trigger')`
	}
	objects, err := scanObjects(ctx, dev.DB, query)
	for _, o := range objects {
		all = append(all, o.kind+" "+o.name)
	}
	return all, err
}

// addFirstIDs adds where the ids of each table begin: their range tells the
// type of what they belong to.
func addFirstIDs(ctx context.Context, dev *database.DB, all Logical) (Logical, error) {
	query := `SELECT 'ids of', d.refobjid::regclass::text, 'from ' || s.seqstart, '' FROM pg_sequence s JOIN pg_depend d ON d.objid = s.seqrelid AND d.deptype IN ('i', 'a')`
	if dev.Dialect == dialect.SQLite {
		query = `SELECT 'ids of', t.name, 'from ' || (coalesce(s.seq, 0) + 1), '' FROM sqlite_master t LEFT JOIN sqlite_sequence s ON s.name = t.name WHERE t.sql LIKE '%AUTOINCREMENT%'`
	}
	ids, err := scanObjects(ctx, dev.DB, query)
	for _, o := range ids {
		all = append(all, o.kind+" "+o.name+" "+o.create)
	}
	return all, err
}
