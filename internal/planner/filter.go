package planner

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"docket/internal/scalar"
)

// condition is a predicate on the rows of a table, made for the alias that the
// table has where it is used; nil holds for all rows.
type condition func(b *builder, alias string) *sql.Predicate

// filters reads the filter of one list. What is null is not a condition; a
// comparison never holds for a row without a value, and not, which is the
// complement of what it holds, does.
type filters struct {
	*run
	conditions int
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
	if f.conditions++; f.conditions > f.limits.Conditions {
		return nil, tooMuch(TooComplex, "where", f.limits.Conditions, "A filter has at most %d conditions.", f.limits.Conditions)
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
	return f.compare(c, name, v)
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
		b.linked(s, inner, edge.Link, alias)
		b.where(s, inner, meets)
		return sql.Exists(s)
	}
}

// compare reads a comparison of a column with a value, or a list of them.
func (f *filters) compare(c comparison, name string, v any) (condition, error) {
	column, field := c.field.Column, c.field
	switch c.op {
	case isNil, notNil:
		yes, ok := v.(bool)
		if !ok {
			return nil, bad("where", "%s must be true or false.", name)
		}
		return func(b *builder, alias string) *sql.Predicate {
			if yes == (c.op == isNil) {
				return sql.IsNull(b.column(alias, column))
			}
			return sql.NotNull(b.column(alias, column))
		}, nil
	case in, notIn:
		var args []any
		for _, v := range asList(v) {
			arg, err := f.argument(field, name, v)
			if err != nil {
				return nil, err
			}
			args = append(args, arg)
		}
		if f.conditions += len(args) / argumentsOfCondition; len(args) > f.limits.Parameters {
			return nil, tooMuch(TooComplex, "where", f.limits.Parameters, "%s takes at most %d values.", name, f.limits.Parameters)
		}
		return oneOf(column, args, c.op == notIn), nil
	}
	arg, err := f.argument(field, name, v)
	if err != nil {
		return nil, err
	}
	return func(b *builder, alias string) *sql.Predicate {
		return c.op.holds(b, b.column(alias, column), arg)
	}, nil
}

// argumentsOfCondition is how many values of a list weigh as one condition.
const argumentsOfCondition = 100

// oneOf is true of a value among args; to be none of nothing, it needs not even
// be there.
func oneOf(column string, args []any, negated bool) condition {
	return func(b *builder, alias string) *sql.Predicate {
		switch {
		case len(args) == 0 && negated:
			return nil
		case len(args) == 0:
			return sql.False()
		case negated:
			return sql.NotIn(b.column(alias, column), args...)
		}
		return sql.In(b.column(alias, column), args...)
	}
}

// argument reads the value that a column is compared with.
func (f *filters) argument(field *Field, name string, v any) (any, error) {
	fits := true
	var arg any
	switch field.Kind {
	case ID:
		return idOf(name, field.Of, v)
	case Int:
		arg, fits = integer(v)
	case Float:
		arg, fits = float(v)
	case Bool:
		arg, fits = v.(bool)
	case Time:
		t, err := scalar.UnmarshalTime(v)
		if err != nil {
			return nil, bad(name, "%s", err)
		}
		return t, nil
	case Enum:
		arg, fits = v.(string)
	case Text:
		s, err := scalar.UnmarshalString(v)
		if err != nil {
			return nil, bad(name, "%s", err)
		}
		return s, nil
	}
	if !fits {
		return nil, bad(name, "%s has a value that does not fit.", name)
	}
	return arg, nil
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	n, ok := integer(v)
	return float64(n), ok
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

// operator is how a filter compares.
type operator int

const (
	eq operator = iota
	neq
	in
	notIn
	gt
	gte
	lt
	lte
	isNil
	notNil
	contains
	hasPrefix
	hasSuffix
	equalFold
	containsFold
	has
	hasWith
)

// suffixes are what the names of filters have behind the name of their field, as
// entgql names them.
var suffixes = map[operator]string{
	eq: "", neq: "NEQ", in: "In", notIn: "NotIn", gt: "GT", gte: "GTE", lt: "LT", lte: "LTE",
	isNil: "IsNil", notNil: "NotNil", contains: "Contains", hasPrefix: "HasPrefix", hasSuffix: "HasSuffix",
	equalFold: "EqualFold", containsFold: "ContainsFold",
}

// comparison is what the name of a filter means.
type comparison struct {
	op    operator
	field *Field
	edge  *Edge
}

// comparisonsOf are the filters of an entity by their names. Which of them
// consumers have is the schema's to say.
func comparisonsOf(e *Entity) map[string]comparison {
	all := map[string]comparison{}
	for i := range e.Fields {
		for op, suffix := range suffixes {
			all[e.Fields[i].Name+suffix] = comparison{op: op, field: &e.Fields[i]}
		}
	}
	for i := range e.Edges {
		edge := &e.Edges[i]
		if edge.Where != nil { // a view of an edge
			continue
		}
		name := "has" + strings.ToUpper(edge.Name[:1]) + edge.Name[1:]
		all[name] = comparison{op: has, edge: edge}
		all[name+"With"] = comparison{op: hasWith, edge: edge}
	}
	return all
}

// holds is the comparison as a predicate. Text is compared by code point on
// both databases, and folding folds A to Z, also on both.
func (o operator) holds(b *builder, column string, arg any) *sql.Predicate {
	switch o {
	case neq:
		return sql.NEQ(column, arg)
	case gt:
		return sql.GT(column, arg)
	case gte:
		return sql.GTE(column, arg)
	case lt:
		return sql.LT(column, arg)
	case lte:
		return sql.LTE(column, arg)
	case contains:
		return called(finder(b.dialect), column, arg, " > ", 0)
	case hasPrefix:
		return prefix(b, column, arg.(string))
	case hasSuffix:
		return suffix(b, column, arg.(string))
	case equalFold:
		return sql.P(func(sb *sql.Builder) { sb.WriteString("lower(" + column + ") = ").Arg(fold(arg)) })
	case containsFold:
		return called(finder(b.dialect), "lower("+column+")", fold(arg), " > ", 0)
	}
	return sql.EQ(column, arg)
}

func called(function, column string, arg any, is string, what any) *sql.Predicate {
	return sql.P(func(sb *sql.Builder) {
		sb.WriteString(function + "(" + column + ", ").Arg(arg).WriteString(")" + is).Arg(what)
	})
}

// finder is the function that finds a text in another, and counts from 1.
func finder(name string) string {
	if name == dialect.Postgres {
		return "strpos"
	}
	return "instr"
}

// prefix holds where the column begins with the text; PostgreSQL can look that
// up in an index.
func prefix(b *builder, column, text string) *sql.Predicate {
	if b.dialect == dialect.Postgres {
		return sql.P(func(sb *sql.Builder) { sb.WriteString(column + " ^@ ").Arg(text) })
	}
	return sql.P(func(sb *sql.Builder) {
		sb.WriteString("substr(" + column + ", 1, length(").Arg(text).WriteString(")) = ").Arg(text)
	})
}

func suffix(b *builder, column, text string) *sql.Predicate {
	n := utf8.RuneCountInString(text)
	switch {
	case n == 0:
		return sql.NotNull(column)
	case b.dialect == dialect.Postgres:
		return called("right", column, n, " = ", text)
	}
	return called("substr", column, -n, " = ", text)
}

// fold is the text with A to Z in lower case, as lower() has it for text that is
// ordered by code point.
func fold(arg any) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, arg.(string))
}
