package migration

import (
	"context"
	"fmt"
	"slices"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"

	"docket/ent/entity"
	ormmigrate "docket/ent/orm/migrate"
	"docket/internal/database"
	"docket/internal/overlap"
)

// copyOf says that columns repeat those of the row of table of that column leads to.
type copyOf struct {
	column, of string
	columns    []string
}

// tables are the tables that the schemas describe, with what ent cannot say.
func tables(name string) ([]*schema.Table, error) {
	all, err := schema.CopyTables(ormmigrate.Tables)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if _, ok := views[t.Name]; ok {
			t.View = true // ent takes the table of a many-to-many edge for its own
		}
		// PostgreSQL begins a sequence with its start, SQLite after it.
		if a := t.Annotation; name == dialect.Postgres && a != nil && a.IncrementStart != nil && *a.IncrementStart > 0 {
			first := *a.IncrementStart + 1
			annotation := *a
			annotation.IncrementStart = &first
			t.Annotation = &annotation
		}
	}
	if name == dialect.SQLite {
		all = append(all, asking())
	}
	for from, c := range copies {
		if err := keepCopies(all, from, c); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// desired is the schema that a database is to have, as drv would find it there.
func desired(ctx context.Context, dev *database.DB, drv migrate.Driver, current *atlas.Schema) (*atlas.Schema, error) {
	all, err := tables(dev.Dialect)
	if err != nil {
		return nil, err
	}
	m, err := schema.NewMigrate(entsql.OpenDB(dev.Dialect, dev.DB))
	if err != nil {
		return nil, err
	}
	realm, err := m.StateReader(all...).ReadState(ctx)
	if err != nil {
		return nil, err
	}
	s := realm.Schemas[0]
	s.Name, s.Attrs = current.Name, current.Attrs
	if n, ok := drv.(atlas.Normalizer); ok {
		if s, err = n.NormalizeSchema(ctx, s); err != nil {
			return nil, err
		}
		s.Name = current.Name
	}
	if dev.Dialect != dialect.Postgres {
		return s, nil
	}
	for _, t := range s.Tables {
		byCodePoint(t)
		for _, x := range overlap.Of(t.Name) {
			index, err := exclusion(t, x.Exclusion)
			if err != nil {
				return nil, err
			}
			t.AddIndexes(index)
		}
	}
	return s, nil
}

// byCodePoint has PostgreSQL compare text as SQLite does, whatever the database's
// locale: by code point.
func byCodePoint(t *atlas.Table) {
	for _, c := range t.Columns {
		if _, ok := c.Type.Type.(*atlas.StringType); ok {
			c.SetCollation("C")
		}
	}
}

// keepCopies makes the foreign key of c.column cover the copied columns, too.
func keepCopies(all []*schema.Table, from string, c copyOf) error {
	t, of := find(all, from), find(all, c.of)
	if t == nil || of == nil {
		return fmt.Errorf("copies: no table %s or %s", from, c.of)
	}
	at := slices.IndexFunc(t.ForeignKeys, func(fk *schema.ForeignKey) bool {
		return len(fk.Columns) == 1 && fk.Columns[0].Name == c.column
	})
	if at < 0 {
		return fmt.Errorf("copies: %s.%s is no foreign key", from, c.column)
	}
	fk := *t.ForeignKeys[at]
	fk.Symbol = from + "_" + c.column + "_copies"
	for _, name := range c.columns {
		here, ok1 := column(t, name)
		there, ok2 := column(of, name)
		if !ok1 || !ok2 {
			return fmt.Errorf("copies: no column %s in %s and %s", name, from, c.of)
		}
		fk.Columns, fk.RefColumns = append(fk.Columns, here), append(fk.RefColumns, there)
	}
	t.ForeignKeys[at] = &fk
	of.Indexes = append(of.Indexes, &schema.Index{
		Name: c.of + "_copied_by_" + from, Unique: true, Columns: fk.RefColumns,
	})
	return nil
}

func find(all []*schema.Table, name string) *schema.Table {
	for _, t := range all {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func column(t *schema.Table, name string) (*schema.Column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return nil, false
}

// exclusion is the exclusion constraint of x on t: an index over the scope and
// the ranges, in which no two entries may meet. The scope is an expression, so
// that PostgreSQL does not take this index for one to look the scope up in: it
// thinks that it costs less than the B-tree beside it, and it costs three times
// as much.
func exclusion(t *atlas.Table, x entity.Exclusion) (*atlas.Index, error) {
	if _, ok := t.Column(x.Scope); !ok {
		return nil, fmt.Errorf("exclusion %s: no column %s", x.Constraint, x.Scope)
	}
	// Expressions are as PostgreSQL itself writes them, or every diff would find a
	// difference.
	index := atlas.NewIndex(x.Constraint).
		AddAttrs(postgres.ExcludeConstraint(x.Constraint), &postgres.IndexType{T: "GIST"}).
		AddParts(atlas.NewExprPart(&atlas.RawExpr{X: fmt.Sprintf("((%s + 0))", x.Scope)}).AddAttrs(&postgres.Operator{Name: "="}))
	for _, s := range x.Spans {
		span := fmt.Sprintf("tstzrange(%s, %s)", s.Start, s.End)
		index.AddParts(atlas.NewExprPart(&atlas.RawExpr{X: span}).AddAttrs(&postgres.Operator{Name: "&&"}))
	}
	if x.Where != nil {
		index.AddAttrs(&postgres.IndexPredicate{P: fmt.Sprintf("((%s)::text = '%s'::text)", x.Where.Column, x.Where.Value)})
	}
	return index, nil
}
