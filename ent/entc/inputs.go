package main

import (
	"strings"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc/gen"
	"github.com/99designs/gqlgen/codegen/templates"
	"github.com/vektah/gqlparser/v2/ast"
)

// input is one field of a create or update input, and how a builder takes it.
type input struct {
	GraphQL string    // its name in the SDL
	Go      string    // its name in gqlgen's struct
	Type    *ast.Type // its type in the SDL
	Comment string
	Set     string // the builder's method that takes the value
	Clear   string // the builder's method for an explicit null, if it may be null
	Number  string // the Go type to convert an Int to, if it is not int
	List    bool   // a list of values
	Want    string // the GraphQL type an id must have, if it is one
	Many    bool   // a list of ids
}

// Value is the expression for the value behind v: gqlgen points to what may be
// left out, unless it is a list.
func (i input) Value() string {
	if i.List {
		return "v"
	}
	return "*v"
}

// Required reports whether the consumer must give it.
func (i input) Required() bool { return i.Type.NonNull }

// inputs lists what a consumer may give when creating or updating an entity:
// its fields but those docket sets itself, and its edges by id. In an update
// all is optional, and null clears.
func inputs(n *gen.Type, create bool) (all []input) {
	skip := entgql.SkipMutationUpdateInput
	if create {
		skip = entgql.SkipMutationCreateInput
	}
	add := func(i input, typ string, required bool) {
		i.Type = ast.NamedType(typ, nil)
		i.Type.NonNull = required && create
		i.Go = templates.ToGo(i.GraphQL)
		all = append(all, i)
	}
	for _, f := range n.Fields {
		a := graphQL(f.Annotations)
		if f.IsEdgeField() || a.Skip.Is(skip) || (f.Immutable && !create) {
			continue
		}
		i := input{GraphQL: camel(f.Name), Comment: f.Comment(), Set: "Set" + f.StructField()}
		typ := graphQLType(f)
		if f.IsEnum() {
			typ = gqlName(n) + f.StructField()
		}
		if typ == "Int" && f.Type.String() != "int" {
			i.Number = f.Type.String()
		}
		i.List = strings.HasPrefix(typ, "[")
		if f.Optional {
			i.Clear = "Clear" + f.StructField()
		}
		add(i, typ, !f.Optional && !f.Default)
	}
	for _, e := range n.Edges {
		a := graphQL(e.Annotations)
		if a.Skip.Is(skip) || (e.Immutable && !create) {
			continue
		}
		i := input{Comment: e.Comment(), Want: gqlName(e.Type)}
		switch {
		case e.Unique:
			i.GraphQL, i.Set = camel(e.Name)+"Id", e.MutationSet()
			if e.Optional {
				i.Clear = e.MutationClear()
			}
			add(i, "ID", !e.Optional)
		case e.Ref == nil && !e.IsInverse(): // the other side sets its own
			i.Many = true
			single := camel(gen.Funcs["singular"].(func(string) string)(e.Name))
			if create {
				i.GraphQL, i.Set = single+"Ids", e.MutationAdd()
				add(i, "[ID!]", !e.Optional)
				continue
			}
			pascal := gen.Funcs["pascal"].(func(string) string)(single)
			i.GraphQL, i.Set = "add"+pascal+"Ids", e.MutationAdd()
			add(i, "[ID!]", false)
			i.GraphQL, i.Set = "remove"+pascal+"Ids", e.MutationRemove()
			add(i, "[ID!]", false)
		}
	}
	return all
}
