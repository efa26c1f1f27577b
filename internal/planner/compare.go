package planner

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"docket/internal/scalar"
)

// compare reads a comparison of a column with a value, or a list of them.
func (f *filters) compare(e *Entity, c comparison, name string, v any) (condition, error) {
	column, field := c.field.Column, c.field
	switch c.op {
	case isNil, notNil:
		yes, ok := v.(bool)
		if !ok {
			return nil, bad("where", "%s must be true or false.", name)
		}
		isNull := func(b *builder, alias string) *sql.Predicate { return sql.IsNull(b.column(alias, column)) }
		notNull := f.guarded(e, column, func(b *builder, alias string) *sql.Predicate { return sql.NotNull(b.column(alias, column)) })
		switch {
		case yes != (c.op == isNil):
			return notNull, nil
		case e.Policy.Fields[column].Read != nil:
			return not(notNull), nil // to whom may not see it, it is null
		}
		return isNull, nil
	case in, notIn:
		var args []any
		for _, v := range asList(v) {
			arg, err := f.argument(field, name, v)
			if err != nil {
				return nil, err
			}
			args = append(args, arg)
		}
		if err := f.weigh(len(args) / argumentsOfCondition); err != nil {
			return nil, err
		}
		if len(args) > f.limits.Parameters {
			return nil, tooMuch(TooComplex, "where", f.limits.Parameters, "%s takes at most %d values.", name, f.limits.Parameters)
		}
		return f.guarded(e, column, oneOf(column, args, c.op == notIn)), nil
	}
	arg, err := f.argument(field, name, v)
	if err != nil {
		return nil, err
	}
	return f.guarded(e, column, func(b *builder, alias string) *sql.Predicate {
		return c.op.holds(b, b.column(alias, column), arg)
	}), nil
}

// guarded is a comparison that holds of no row whose column may not be seen. One
// that holds of all rows, whatever they have, tells nothing.
func (f *filters) guarded(e *Entity, column string, c condition) condition {
	if e.Policy.Fields[column].Read == nil {
		return c
	}
	return func(b *builder, alias string) *sql.Predicate {
		p, may := c(b, alias), b.guard(e, alias, column)
		if p == nil || may == nil {
			return p
		}
		return sql.And(may, p)
	}
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
		n, ok := integer(v)
		arg, fits = f.number(n), ok
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
		name, ok := v.(string)
		arg, fits = name, ok && f.hasValue(field, name)
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

// number is a whole number as an argument. PostgreSQL would take it for one of
// its column's type, which may be too narrow for it.
func (f *filters) number(n int64) any {
	if f.dialect != dialect.Postgres {
		return n
	}
	return sql.ExprFunc(func(s *sql.Builder) { s.Arg(n).WriteString("::bigint") })
}

// hasValue reports whether the enum of the field has the value: variables may
// bring it in other letters.
func (f *filters) hasValue(field *Field, name string) bool {
	enum := f.schema.Types[field.Of]
	return enum != nil && enum.EnumValues.ForName(name) != nil
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
