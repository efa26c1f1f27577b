package naive_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// author writes random documents over the schema.
type author struct {
	*rand.Rand
	*world
	document *document
	names    int // given out so far
	budget   int // how many more selections to write
}

// author returns the one whose documents are those of the seed.
func (w *world) author(seed, n uint64) *author {
	a := &author{Rand: rand.New(rand.NewPCG(seed, n+1)), world: w, document: &document{}} //nolint:gosec // it can be repeated
	a.budget = 5 + a.IntN(40)
	a.document.selections = a.selections(w.schema.Query, 0)
	return a
}

// again gives the variables of the document other values: the same document is
// planned already.
func (a *author) again() {
	for _, v := range a.document.variables() {
		t := v.of
		switch n := a.IntN(8); {
		case n == 0 && !t.NonNull:
			v.value, v.given = nil, true
		case n == 1 && (v.defaulted || !t.NonNull):
			v.given = false
		case n < 6:
			v.value, v.given = a.another(t, v.value), true
		}
	}
}

// another is a value of the type, like the one it replaces.
func (a *author) another(t *ast.Type, before value) value {
	if t.Elem != nil {
		all := []value{}
		for range a.IntN(4) {
			all = append(all, a.another(t.Elem, nil))
		}
		return all
	}
	switch name := t.Name(); name {
	case "Boolean":
		return a.once(2)
	case "Int":
		return a.IntN(5)
	case "Cursor":
		scope, _ := before.(string)
		scope = scope[:strings.LastIndexByte(scope, ':')+1]
		scope = scope[:strings.LastIndexByte(strings.TrimSuffix(scope, ":"), ':')+1]
		return pick(a.Rand, a.fitting(scope))
	case "ID":
		id, _ := before.(string)
		raw, _ := base64.StdEncoding.DecodeString(id)
		typ, _, _ := strings.Cut(string(raw), ":")
		return a.id(typ)
	case "Time":
		return a.time()
	case "String":
		return a.part()
	default:
		if of, ok := strings.CutSuffix(name, "WhereInput"); ok {
			return a.where(of, 1)
		}
		if strings.HasSuffix(name, "Order") {
			return a.order(t)
		}
		return enum(pick(a.Rand, a.schema.Types[name].EnumValues).Name)
	}
}

// once is true one time out of n.
func (a *author) once(n int) bool { return a.IntN(n) == 0 }

func (a *author) name(kind string) string {
	a.names++
	return fmt.Sprint(kind, a.names)
}

// selections of an object of the type, depth rows deep.
func (a *author) selections(typ *ast.Definition, depth int) (all []*selection) {
	n := 1 + a.IntN(4)
	if typ.Name == "Query" {
		n = 1 + a.IntN(2)
	}
	for range n {
		if a.budget--; a.budget < 0 && len(all) > 0 {
			break
		}
		all = append(all, a.selection(typ, depth))
	}
	if slices.Contains(types, typ.Name) && a.once(60) {
		all = append(all, a.wide(typ)...)
	}
	if len(all) > 0 && a.once(8) { // again, with other fields below
		again := *pick(a.Rand, all)
		if again.name != "" && len(again.selections) > 0 {
			again.selections = slices.Clone(again.selections[:1+a.IntN(len(again.selections))])
			slices.Reverse(again.selections)
		}
		all = append(all, &again)
	}
	return all
}

// wide are more lists below one row than a database takes arguments of a function.
func (a *author) wide(typ *ast.Definition) (all []*selection) {
	for range 110 {
		if f := pick(a.Rand, typ.Fields); f.Arguments.ForName("where") != nil && known(f) {
			s := &selection{alias: a.name("a"), name: f.Name, selections: []*selection{{name: "totalCount"}}}
			s.args = []member{{"where", a.where(strings.TrimSuffix(f.Type.Name(), "Connection"), 3)}}
			all = append(all, s)
		} else if f.Arguments == nil && len(a.schema.Types[f.Type.Name()].Fields) == 0 {
			all = append(all, &selection{alias: a.name("a"), name: f.Name})
		}
	}
	return all
}

func (a *author) selection(typ *ast.Definition, depth int) *selection {
	s := &selection{}
	switch {
	case typ.Name != "Query" && a.once(9):
		s.spread = a.fragment(typ, depth)
	case a.once(9):
		s.on = a.narrowed(typ)
		inner := typ
		if s.on != "" {
			inner = a.schema.Types[s.on]
		}
		s.selections = a.selections(inner, depth)
	default:
		a.field(s, typ, depth)
	}
	if a.once(10) {
		s.directives = append(s.directives, member{pick(a.Rand, []string{"skip", "include"}), a.condition()})
	}
	return s
}

// narrowed is a type condition that an object of the type may meet.
func (a *author) narrowed(typ *ast.Definition) string {
	switch {
	case typ.Name == "Node" && !a.once(5):
		return pick(a.Rand, types)
	case slices.Contains(types, typ.Name) && a.once(2):
		return "Node"
	case a.once(2):
		return ""
	}
	return typ.Name
}

func (a *author) fragment(typ *ast.Definition, depth int) *fragment {
	on := a.narrowed(typ)
	if on == "" {
		on = typ.Name
	}
	for _, f := range a.document.fragments { // complete, so that none leads to itself
		if f.on == on && a.once(2) {
			return f
		}
	}
	f := &fragment{name: a.name("F"), on: on, selections: a.selections(a.schema.Types[on], depth)}
	a.document.fragments = append(a.document.fragments, f)
	return f
}

func (a *author) condition() value {
	b := a.once(2)
	if a.once(2) {
		return b
	}
	v := &variable{name: a.name("v"), of: ast.NonNullNamedType("Boolean", nil), value: b, given: true}
	if a.once(4) {
		v.fallback, v.defaulted, v.given = b, true, a.once(2)
	}
	return v
}

// deepest is how many rows deep a document goes.
const deepest = 4

func (a *author) field(s *selection, typ *ast.Definition, depth int) {
	var fields []*ast.FieldDefinition
	for _, f := range typ.Fields {
		leaf := f.Type.Name() != "Node" && len(a.schema.Types[f.Type.Name()].Fields) == 0
		switch {
		case strings.HasPrefix(f.Name, "__"), !leaf && !known(f):
		case leaf, f.Name == "edges", f.Name == "pageInfo":
			fields = append(fields, f)
		case a.budget > 0 && depth < deepest:
			fields = append(fields, f, f)
		}
	}
	if len(fields) == 0 || a.once(15) && typ.Name != "Query" || a.once(100) {
		s.name = "__typename"
		return
	}
	f := pick(a.Rand, fields)
	s.name = f.Name
	if a.once(6) || len(f.Arguments) > 0 && a.once(2) {
		s.alias = a.name("a")
	}
	a.arguments(s, f, depth)
	if of := a.schema.Types[f.Type.Name()]; len(of.Fields) > 0 {
		if slices.Contains(append([]string{"Node"}, types...), of.Name) || f.Name == "edges" {
			depth++
		}
		s.selections = a.selections(of, depth)
	}
}

// known reports whether the evaluator can say what a field leads to.
func known(f *ast.FieldDefinition) bool {
	name := strings.TrimSuffix(strings.TrimSuffix(f.Type.Name(), "Connection"), "Edge")
	return name == "Node" || name == "PageInfo" || slices.Contains(types, name)
}

func (a *author) arguments(s *selection, f *ast.FieldDefinition, depth int) {
	var order value
	for _, d := range f.Arguments {
		var v value
		switch d.Name {
		case "id":
			v = a.id(map[bool]string{true: "", false: f.Type.Name()}[f.Name == "node"])
		case "ids":
			v = a.ids("")
		case "orderBy":
			if a.once(3) {
				continue
			}
			order = a.order(d.Type)
			v = order
		case "where":
			if !a.once(3) {
				continue
			}
			v = a.where(strings.TrimSuffix(d.Type.Name(), "WhereInput"), 0)
		default:
			continue // below, when the order is known
		}
		s.args = append(s.args, member{d.Name, a.given(d.Type, v)})
	}
	if f.Arguments.ForName("first") != nil {
		a.paging(s, f, order, depth)
	}
}

// paging adds first, last, after and before.
func (a *author) paging(s *selection, f *ast.FieldDefinition, order value, depth int) {
	var sizes []string
	switch n := a.IntN(100); {
	case n < 50:
		sizes = []string{"first"}
	case n < 75:
		sizes = []string{"last"}
	case n < 76:
		sizes = []string{"first", "last"}
	}
	for _, name := range sizes {
		n := a.IntN(6)
		if depth == 0 {
			n = a.IntN(14)
		}
		if a.once(100) {
			n = pick(a.Rand, []int{-1, maxPage, maxPage + 1, 1 << 31})
		}
		s.args = append(s.args, member{name, a.given(ast.NamedType("Int", nil), n)})
	}
	for _, name := range []string{"after", "before"} {
		if !a.once(5) {
			continue
		}
		c := value(a.cursorOf(strings.TrimSuffix(f.Type.Name(), "Connection"), order))
		if a.once(10) {
			c = nil
		}
		s.args = append(s.args, member{name, a.given(ast.NamedType("Cursor", nil), c)})
	}
	a.Shuffle(len(s.args), func(i, j int) { s.args[i], s.args[j] = s.args[j], s.args[i] })
}

// cursorOf is a cursor that fits the order, unless it shall not.
func (a *author) cursorOf(typ string, order value) string {
	field, direction := "ID", "ASC"
	if by, ok := order.(object); ok {
		for _, m := range by {
			if v, ok := m.value.(enum); ok && m.name == "field" {
				field = string(v)
			} else if ok {
				direction = string(v)
			}
		}
	}
	if a.once(60) {
		return pick(a.Rand, []string{"", "garbage", "AAAA", "Y3Vyc29y", "💥"})
	}
	return pick(a.Rand, a.fitting(strings.Join([]string{"cursor", typ, field, direction, ""}, ":")))
}

// fitting are the known cursors of an order; all of them, at times.
func (a *author) fitting(order string) (all []string) {
	for _, c := range a.learned {
		if strings.HasPrefix(c, order) {
			all = append(all, c)
		}
	}
	if len(all) == 0 || a.once(60) {
		return a.learned
	}
	return all
}

func (a *author) order(t *ast.Type) value {
	if a.once(12) {
		return nil
	}
	var field enum
	for _, f := range a.schema.Types[t.Name()].Fields {
		if f.Name == "field" {
			field = enum(pick(a.Rand, a.schema.Types[f.Type.Name()].EnumValues).Name)
		}
	}
	o := object{{"field", field}}
	if !a.once(5) {
		o = append(o, member{"direction", pick(a.Rand, []enum{"ASC", "DESC"})})
	}
	return o
}

// given is an argument as it stands, or with variables for all of it or for parts.
func (a *author) given(t *ast.Type, v value) value {
	if a.once(3) {
		return a.variable(t, v)
	}
	switch v := v.(type) {
	case object:
		var all object
		for _, m := range v {
			of := a.schema.Types[t.Name()].Fields.ForName(m.name).Type
			all = append(all, member{m.name, a.given(of, m.value)})
		}
		return all
	case []value:
		if t.Elem == nil {
			return v
		}
		all := make([]value, 0, len(v))
		for _, v := range v {
			all = append(all, a.given(t.Elem, v))
		}
		return all
	}
	return v
}

func (a *author) variable(t *ast.Type, v value) value {
	if _, isEnum := v.(enum); isEnum && t.NonNull && a.once(2) {
		return v
	}
	made := &variable{name: a.name("v"), of: t, value: v, given: true}
	if t.Name() == "OrderDirection" && a.once(2) {
		made.of = ast.NamedType(t.Name(), nil) // its place has a default
	}
	switch {
	case a.once(8):
		made.defaulted, made.fallback, made.given = true, v, false
	case a.once(12) && !made.of.NonNull:
		made.given = false // as if the argument were not there
	}
	return made
}
