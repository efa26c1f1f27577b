package main

import (
	"fmt"
	"strings"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc/gen"
)

// columns are all that is stored of an entity. What consumers may select and
// filter by, the SDL says.
func columns(n *gen.Type) []*gen.Field { return append([]*gen.Field{n.ID}, n.Fields...) }

// camelName is the name of a field in the API, as entgql has it.
func camelName(f *gen.Field) string { return gen.Funcs["camel"].(func(string) string)(f.Name) }

// idOf is the entity whose id the field is, if it is one.
func idOf(n *gen.Type, f *gen.Field) string {
	if f == n.ID {
		return gqlName(n)
	}
	for _, e := range n.Edges {
		if e.Field() != nil && e.Field().Name == f.Name {
			return gqlName(e.Type)
		}
	}
	return ""
}

// anyID reports whether the field is the id of a row of whatever type.
func anyID(f *gen.Field) bool { return graphQL(f.Annotations).Type == "ID" }

// of is the entity whose id the field is, or the type of its enum.
func of(n *gen.Type, f *gen.Field) string {
	if f.IsEnum() {
		return gqlName(n) + f.StructField()
	}
	return idOf(n, f)
}

// kind is the planner's kind of a field.
func kind(n *gen.Type, f *gen.Field) string {
	switch {
	case idOf(n, f) != "" || anyID(f):
		return "ID"
	case f.IsTime():
		return "Time"
	case f.IsBool():
		return "Bool"
	case f.IsEnum():
		return "Enum"
	case f.Type.Type.Float():
		return "Float"
	case f.Type.Type.Integer():
		return "Int"
	case f.IsJSON():
		return "JSON"
	}
	return "Text"
}

// shownEdges are the edges that consumers see.
func shownEdges(n *gen.Type) (shown []*gen.Edge) {
	for _, e := range n.Edges {
		if !graphQL(e.Annotations).Skip.Is(entgql.SkipType) {
			shown = append(shown, e)
		}
	}
	return shown
}

// link is how the rows that the edge leads to are found.
func link(e *gen.Edge) string {
	switch {
	case e.M2M():
		here, there := e.Rel.Columns[0], e.Rel.Columns[1]
		if e.IsInverse() {
			here, there = there, here
		}
		return fmt.Sprintf("planner.Link{Through: %q, Here: %q, There: %q}", e.Rel.Table, here, there)
	case e.OwnFK():
		return fmt.Sprintf("planner.Link{Here: %q, There: %q}", e.Rel.Column(), e.Type.ID.StorageKey())
	}
	return fmt.Sprintf("planner.Link{Here: %q, There: %q}", e.Type.ID.StorageKey(), e.Rel.Column())
}

// orderTerm is a value of an entity's order enum.
type orderTerm struct {
	Name, Edge, Column, Kind string
	Nullable                 bool
}

// orders are what the rows of an entity can be ordered by: its fields and, where
// an edge says so, a field of the row it leads to or the number of those rows.
func orders(n *gen.Type) (all []orderTerm, err error) {
	for _, f := range columns(n) {
		if name := orderName(f.Annotations); name != "" && f != n.ID {
			all = append(all, orderTerm{Name: name, Column: f.StorageKey(), Kind: kind(n, f), Nullable: f.Optional})
		}
	}
	for _, e := range n.Edges {
		name := orderName(e.Annotations)
		if name == "" {
			continue
		}
		prefix := strings.ToUpper(e.Name) + "_"
		if name == prefix+"COUNT" {
			all = append(all, orderTerm{Name: name, Edge: camel(e.Name), Kind: "Int"})
			continue
		}
		found := false
		for _, f := range e.Type.Fields {
			if e.Unique && orderName(f.Annotations) == strings.TrimPrefix(name, prefix) {
				found = true
				all = append(all, orderTerm{
					Name: name, Edge: camel(e.Name), Column: f.StorageKey(), Kind: kind(e.Type, f), Nullable: e.Optional || f.Optional,
				})
			}
		}
		if !found {
			return nil, fmt.Errorf("%s.%s: there is no order %s to take from %s", n.Name, e.Name, name, e.Type.Name)
		}
	}
	return all, nil
}

func orderName(from gen.Annotations) string {
	a := graphQL(from)
	if a.Skip.Is(entgql.SkipOrderField) {
		return ""
	}
	return a.OrderField
}
