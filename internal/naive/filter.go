package naive

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// condition is a filter that was read.
type condition func(Row) bool

// all holds where every condition does.
func all(conditions []condition) condition {
	return func(row Row) bool {
		return !slices.ContainsFunc(conditions, func(c condition) bool { return !c(row) })
	}
}

// where reads a filter object of a type. What is null is not a condition.
func (e *Evaluator) where(typ string, v any) (condition, error) {
	var conditions []condition
	object, _ := v.(map[string]any)
	for name, v := range object {
		if v == nil {
			continue
		}
		c, err := e.condition(typ, name, v)
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, c)
	}
	return all(conditions), nil
}

// wheres reads a list of filter objects.
func (e *Evaluator) wheres(typ string, v any) (conditions []condition, err error) {
	for _, v := range list(v) {
		c, err := e.where(typ, v)
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, c)
	}
	return conditions, nil
}

func (e *Evaluator) condition(typ, name string, v any) (condition, error) {
	switch {
	case name == "not":
		c, err := e.where(typ, v)
		return func(row Row) bool { return !c(row) }, err
	case name == "and":
		cs, err := e.wheres(typ, v)
		return all(cs), err
	case name == "or":
		cs, err := e.wheres(typ, v)
		return func(row Row) bool {
			return slices.ContainsFunc(cs, func(c condition) bool { return c(row) })
		}, err
	case strings.HasPrefix(name, "has") && strings.HasSuffix(name, "With"):
		edge := lowerFirst(strings.TrimSuffix(strings.TrimPrefix(name, "has"), "With"))
		cs, err := e.wheres(typeNamed(edge), v)
		return func(row Row) bool { return slices.ContainsFunc(e.Data.related(row, edge), all(cs)) }, err
	case strings.HasPrefix(name, "has"):
		edge := lowerFirst(strings.TrimPrefix(name, "has"))
		return func(row Row) bool { return (len(e.Data.related(row, edge)) > 0) == v.(bool) }, nil
	}
	field, operator := e.split(typ, name)
	if operator == "IsNil" || operator == "NotNil" {
		return func(row Row) bool { return ((row[field] == nil) == (operator == "IsNil")) == v.(bool) }, nil
	}
	var given []any
	for _, v := range list(v) {
		arg, err := e.argument(typ, field, v)
		if err != nil {
			return nil, err
		}
		given = append(given, arg)
	}
	return func(row Row) bool { return compares(operator, row[field], given) }, nil
}

// split finds the field and the operator in the name of a filter. Every field
// that can be filtered has one that is its bare name, for equality.
func (e *Evaluator) split(typ, name string) (field, operator string) {
	filters := e.Schema.Types[typ+"WhereInput"].Fields
	for _, operator := range []string{
		"NEQ", "In", "NotIn", "GT", "GTE", "LT", "LTE", "IsNil", "NotNil",
		"Contains", "HasPrefix", "HasSuffix", "EqualFold", "ContainsFold",
	} {
		if field, ok := strings.CutSuffix(name, operator); ok && filters.ForName(field) != nil {
			return field, operator
		}
	}
	return name, ""
}

// argument reads a value that the field is compared with.
func (e *Evaluator) argument(typ, field string, v any) (any, error) {
	switch e.Schema.Types[typ+"WhereInput"].Fields.ForName(field).Type.Name() {
	case "ID":
		id, ok := ParseID(v.(string))
		want := typ
		if field != "id" {
			want = upperFirst(strings.TrimSuffix(field, "ID"))
		}
		if !ok || typeOf(id) != want {
			return nil, fmt.Errorf("%v is not an id of a %s", v, want)
		}
		return id, nil
	case "Time":
		t, err := time.Parse(time.RFC3339Nano, v.(string))
		if t = t.UTC().Truncate(time.Microsecond); err != nil || t.Year() < 1 || t.Year() > 9998 {
			return nil, fmt.Errorf("%v is not an instant", v)
		}
		return t, nil
	case "String":
		if strings.ContainsAny(v.(string), "\x00"+string(utf8.RuneError)) {
			return nil, fmt.Errorf("%q is not text", v)
		}
	case "Int":
		return number(v)
	}
	return v, nil
}

// compares reports whether the value meets the operator. NULL meets none, but
// that it is not in a list of nothing.
func compares(operator string, v any, given []any) bool {
	if operator == "NotIn" && len(given) == 0 {
		return true
	}
	if v == nil {
		return false
	}
	switch operator {
	case "In":
		return slices.ContainsFunc(given, func(g any) bool { return compare(v, g) == 0 })
	case "NotIn":
		return !slices.ContainsFunc(given, func(g any) bool { return compare(v, g) == 0 })
	}
	text, _ := v.(string)
	arg, _ := given[0].(string)
	switch operator {
	case "NEQ":
		return compare(v, given[0]) != 0
	case "GT":
		return compare(v, given[0]) > 0
	case "GTE":
		return compare(v, given[0]) >= 0
	case "LT":
		return compare(v, given[0]) < 0
	case "LTE":
		return compare(v, given[0]) <= 0
	case "Contains":
		return strings.Contains(text, arg)
	case "HasPrefix":
		return strings.HasPrefix(text, arg)
	case "HasSuffix":
		return strings.HasSuffix(text, arg)
	case "EqualFold":
		return fold(text) == fold(arg)
	case "ContainsFold":
		return strings.Contains(fold(text), fold(arg))
	}
	return compare(v, given[0]) == 0
}

// fold makes A to Z small, and nothing else.
func fold(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// compare compares two values of a column: text by code point, which in UTF-8 is
// by byte. NULL is greater than everything else.
func compare(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	switch a := a.(type) {
	case ID:
		return cmp.Compare(a, b.(ID))
	case int64:
		return cmp.Compare(a, b.(int64))
	case time.Time:
		return a.Compare(b.(time.Time))
	}
	return strings.Compare(a.(string), b.(string))
}
