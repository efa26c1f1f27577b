package planner

import (
	"slices"

	"entgo.io/ent/dialect/sql"
)

// condition is a predicate on the rows of a table, made for the alias that the
// table has where it is used; nil holds for all rows.
type condition func(b *builder, alias string) *sql.Predicate

// filters reads the filter of one list. What is null is not a condition; a
// comparison never holds for a row without a value, and not, which is the
// complement of what it holds, does.
type filters struct{ *run }

// conditionsOfRelated is how many conditions one about related rows weighs: a
// database reads and remembers those rows for it.
const conditionsOfRelated = 5

// weigh counts conditions of the operation.
func (f *filters) weigh(n int) error {
	if f.conditions += n; f.conditions <= f.limits.Conditions {
		return nil
	}
	return tooMuch(TooComplex, "where", f.limits.Conditions, "The filters of an operation have at most %d conditions.", f.limits.Conditions)
}

// of reads the filter object v of an entity, which is nested depth deep.
func (f *filters) of(e *Entity, v any, depth int) (condition, error) {
	object, ok := v.(map[string]any)
	if v == nil || ok && len(object) == 0 {
		return nil, nil
	}
	if !ok {
		return nil, bad("where", "where must be an object.")
	}
	if depth > f.limits.Filter {
		return nil, tooMuch(TooComplex, "where", f.limits.Filter, "A filter is nested at most %d deep.", f.limits.Filter)
	}
	names := make([]string, 0, len(object))
	for name, v := range object {
		if v != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names) // the same filter is the same statement
	all := make([]condition, 0, len(names))
	for _, name := range names {
		c, err := f.entry(e, name, object[name], depth)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return and(all), nil
}

func (f *filters) entry(e *Entity, name string, v any, depth int) (condition, error) {
	if err := f.weigh(1); err != nil {
		return nil, err
	}
	switch name {
	case "not":
		c, err := f.of(e, v, depth+1)
		return not(c), err
	case "and", "or":
		all, err := f.all(e, v, depth+1)
		if name == "and" {
			return and(all), err
		}
		return or(all), err
	}
	c, ok := f.comparisons[e.Name][name]
	switch {
	case !ok:
		return nil, bad("where", "%s cannot be filtered by %q.", e.Table, name)
	case c.edge != nil:
		return f.related(c, v, depth)
	}
	return f.compare(e, c, name, v)
}

// all reads a list of filters.
func (f *filters) all(e *Entity, v any, depth int) ([]condition, error) {
	list := asList(v)
	all := make([]condition, 0, len(list))
	for _, v := range list {
		c, err := f.of(e, v, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// related reads hasX, true or false, and hasXWith: some related row meets all of
// the filters.
func (f *filters) related(c comparison, v any, depth int) (condition, error) {
	if err := f.weigh(conditionsOfRelated - 1); err != nil {
		return nil, err
	}
	to := f.entities[c.edge.To]
	if c.op == has {
		yes, ok := v.(bool)
		if !ok {
			return nil, bad("where", "hasX must be true or false.")
		}
		exists := relatedTo(c.edge, to, nil)
		if !yes {
			return not(exists), nil
		}
		return exists, nil
	}
	all, err := f.all(to, v, depth+1)
	return relatedTo(c.edge, to, and(all)), err
}

func relatedTo(edge *Edge, to *Entity, meets condition) condition {
	return func(b *builder, alias string) *sql.Predicate {
		s, inner := b.from(to)
		s.Select(b.column(inner, "id"))
		b.linked(s, inner, edge, alias)
		b.where(s, inner, meets)
		return sql.Exists(s)
	}
}

// and holds where all do; nil is what always holds.
func and(all []condition) condition {
	all = slices.DeleteFunc(all, func(c condition) bool { return c == nil })
	if len(all) == 0 {
		return nil
	}
	return func(b *builder, alias string) *sql.Predicate {
		var ps []*sql.Predicate
		for _, c := range all {
			if p := c(b, alias); p != nil {
				ps = append(ps, p)
			}
		}
		switch len(ps) {
		case 0:
			return nil
		case 1:
			return ps[0]
		}
		return sql.And(ps...)
	}
}

// or holds where one does: never, if there is none.
func or(all []condition) condition {
	if slices.ContainsFunc(all, func(c condition) bool { return c == nil }) {
		return nil
	}
	return func(b *builder, alias string) *sql.Predicate {
		var ps []*sql.Predicate
		for _, c := range all {
			p := c(b, alias)
			if p == nil {
				return nil
			}
			ps = append(ps, p)
		}
		switch len(ps) {
		case 0:
			return sql.False()
		case 1: // ent's Or of one Or has no parentheses, whatever stands around it
			return ps[0]
		}
		return sql.Or(ps...)
	}
}

// not holds where c does not, be it for want of a value.
func not(c condition) condition {
	return func(b *builder, alias string) *sql.Predicate {
		if c == nil {
			return sql.False()
		}
		p := c(b, alias)
		if p == nil {
			return sql.False()
		}
		return sql.P(func(sb *sql.Builder) {
			sb.Wrap(func(sb *sql.Builder) { sb.Join(p) }).WriteString(" IS NOT TRUE")
		})
	}
}
