package main

import (
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/entc/gen"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/ent/entity"
)

func nonNull(name string) *ast.Type { return ast.NonNullNamedType(name, nil) }

func listOf(name string) *ast.Type { return ast.NonNullListType(nonNull(name), nil) }

func object(kind ast.DefinitionKind, name, text string, fields ...*ast.FieldDefinition) *ast.Definition {
	return &ast.Definition{Kind: kind, Name: name, Description: text, Fields: fields}
}

// addEntityFields declares the root fields beside the connection of all rows:
// one row by its id, and a connection for each view.
func addEntityFields(g *gen.Graph, s *ast.Schema) error {
	query := s.Types["Query"]
	for _, n := range served(g) {
		name := gqlName(n)
		field := lowerFirst(name)
		query.Fields = append(query.Fields, &ast.FieldDefinition{
			Name: field, Description: fmt.Sprintf("The %s with the id, or null where there is none.", spaced(name)),
			Type: ast.NamedType(name, nil),
			Arguments: ast.ArgumentDefinitionList{{
				Name: "id", Description: fmt.Sprintf("The global id of a %s.", name), Type: nonNull("ID"),
			}},
		})
		for _, v := range views(n) {
			all := query.Fields.ForName(plural(n))
			query.Fields = append(query.Fields, &ast.FieldDefinition{
				Name: viewField(v, plural(n)), Description: v.Comment, Type: all.Type, Arguments: all.Arguments,
			})
		}
	}
	return nil
}

// guard lets the fields be null that not everyone may see.
func guard(g *gen.Graph, s *ast.Schema) error {
	for _, n := range served(g) {
		for _, f := range n.Fields {
			shown := s.Types[gqlName(n)].Fields.ForName(camelName(f))
			if a := (entity.GuardedField{}); shown != nil && decode(f.Annotations, &a) {
				shown.Type.NonNull = false
				shown.Description += " Null to those who may not know it."
			}
		}
	}
	return nil
}

// addSingles declares the fields that lead to the one row of a view.
func addSingles(g *gen.Graph, s *ast.Schema) error {
	for _, n := range served(g) {
		for _, e := range n.Edges {
			if v := single(e); v != nil {
				def := s.Types[gqlName(n)]
				def.Fields = append(def.Fields, &ast.FieldDefinition{
					Name: singleField(e), Type: ast.NamedType(gqlName(e.Type), nil),
					Description: "The one of the " + viewField(*v, e.Name) + ", if there is one.",
				})
			}
		}
	}
	return nil
}

// nameIDs has an id of any type named as mutations and payloads name ids, rowId,
// and filtered as other ids are: they are the same or not, and none comes first.
func nameIDs(g *gen.Graph, s *ast.Schema) error {
	for _, n := range served(g) {
		for _, f := range n.Fields {
			if !anyID(f) {
				continue
			}
			if shown := s.Types[gqlName(n)].Fields.ForName(camelName(f)); shown != nil {
				shown.Name = camel(f.Name)
			}
			where := s.Types[gqlName(n)+"WhereInput"]
			where.Fields = slices.DeleteFunc(where.Fields, func(w *ast.FieldDefinition) bool {
				op, ok := strings.CutPrefix(w.Name, camelName(f))
				return ok && slices.Contains([]string{"GT", "GTE", "LT", "LTE"}, op)
			})
		}
	}
	return nil
}

// plural is the root field of all rows of the entity, as entgql names it.
func plural(n *gen.Type) string {
	return lowerFirst(gen.Funcs["plural"].(func(string) string)(gqlName(n)))
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// spaced is a type name as words: BlockedTime is "blocked time".
func spaced(name string) string {
	return strings.ReplaceAll(gen.Funcs["snake"].(func(string) string)(name), "_", " ")
}

// addMutations declares the mutations that each entity asks for, noun first,
// with one input and a payload that holds the object.
func addMutations(g *gen.Graph, s *ast.Schema) error {
	mutation := object(ast.Object, "Mutation", "Everything that changes something.")
	for _, n := range served(g) {
		name, words := gqlName(n), spaced(gqlName(n))
		one, many := lowerFirst(name), plural(n)
		declare := func(op, text string, inputs, results ast.FieldList) {
			if !mutates(n, op) {
				return
			}
			inputs = append(inputs, &ast.FieldDefinition{Name: "idempotencyKey", Type: ast.NamedType("String", nil), Description: aboutKey})
			input, payload := name+op+"Input", name+op+"Payload"
			s.AddTypes(
				object(ast.InputObject, input, "Input of "+one+op+".", inputs...),
				object(ast.Object, payload, "What "+one+op+" answers.", results...),
			)
			mutation.Fields = append(mutation.Fields, &ast.FieldDefinition{
				Name: one + op, Description: text, Type: ast.NamedType(payload, nil), // null where it fails, beside what the others answer
				Arguments: ast.ArgumentDefinitionList{{Name: "input", Description: "What to do.", Type: nonNull(input)}},
			})
		}
		result := ast.FieldList{{Name: one, Type: nonNull(name), Description: "The " + words + " as it is now."}}
		row := ast.FieldList{
			{Name: "id", Type: nonNull("ID"), Description: "The " + words + "."},
			{Name: "expectedVersion", Type: ast.NamedType("Int", nil), Description: aboutVersion},
		}

		declare("Create", "Creates a "+words+".", fieldsOf(inputs(n, true)), result)
		declare("Update", "Changes the given fields of a "+words+"; null clears a field that may be empty.",
			append(row, fieldsOf(inputs(n, false))...), result)
		declare("Delete", "Deletes a "+words+" and all that belongs to it.", row,
			ast.FieldList{{Name: "deletedId", Type: nonNull("ID"), Description: "The id it had."}})
		if mutates(n, "BulkCreate") && !mutates(n, "Create") {
			return fmt.Errorf("%s: BulkCreate needs Create, whose input it takes", n.Name)
		}
		if mutates(n, "BulkCreate") {
			s.AddTypes(object(ast.InputObject, name+"BulkCreateEntry", "One entry of "+one+"BulkCreate.", fieldsOf(inputs(n, true))...))
		}
		declare("BulkCreate", "Creates many "+many+", or none where one is refused.",
			ast.FieldList{{Name: many, Type: listOf(name + "BulkCreateEntry"), Description: "One entry for each."}},
			ast.FieldList{{Name: many, Type: listOf(name), Description: "Those created, in the order of the input."}})
	}
	s.AddTypes(mutation)
	return nil
}

// What every mutation takes besides its own; booking.graphql says the same.
const (
	aboutKey     = "Your name for this request, such as a UUID. Sent again with it, it is not done again: the answer is what came of it."
	aboutVersion = "The version that it must still have; otherwise refused with VERSION_CONFLICT."
)

func fieldsOf(in []input) (fields ast.FieldList) {
	for _, i := range in {
		fields = append(fields, &ast.FieldDefinition{Name: i.GraphQL, Type: i.Type, Description: i.Comment})
	}
	return fields
}

// describe gives every type and field of the SDL a description, and puts the
// fields of the roots in one order.
func describe(g *gen.Graph, s *ast.Schema) error {
	s.Types["Query"].Description = "Everything that can be read."
	for _, t := range s.Types { // what Go calls it is nobody's business
		t.Directives = nil
		for _, f := range t.Fields {
			f.Directives = nil
		}
	}
	clear(s.Directives)
	for _, n := range served(g) {
		name := gqlName(n)
		s.Types[name].Description = comment(n)
		s.Types["Query"].Fields.ForName(plural(n)).Description = "All " + plural(n) + "."
		if w := s.Types[name+"WhereInput"]; w != nil {
			w.Description = fmt.Sprintf("Chooses among %s: all of the given conditions must hold.", plural(n))
			describeWhere(w)
		}
		if o := s.Types[name+"OrderField"]; o != nil {
			for _, v := range o.EnumValues {
				v.Description = "By " + lowerFirst(strings.ReplaceAll(strings.ToLower(v.Name), "_", " ")) + "."
			}
		}
		for _, f := range n.Fields {
			if e := s.Types[name+f.StructField()]; f.IsEnum() && e != nil {
				e.Description = f.Comment()
			}
		}
		describeEdges(n, s)
		if id := s.Types[name].Fields.ForName("id"); id != nil {
			id.Description = "The global id."
		}
	}
	return nil
}

// describeEdges also tells the views apart, which entgql describes as their edge.
func describeEdges(n *gen.Type, s *ast.Schema) {
	for _, e := range n.Edges {
		if f := s.Types[gqlName(n)].Fields.ForName(e.Name); f != nil {
			f.Description = e.Comment()
		}
		for _, v := range views(e.Type) {
			if f := s.Types[gqlName(n)].Fields.ForName(viewField(v, e.Name)); f != nil {
				f.Description = v.Comment
			}
		}
	}
}

func describeWhere(w *ast.Definition) {
	for _, f := range w.Fields {
		switch {
		case f.Name == "not":
			f.Description = "The condition must not hold."
		case f.Name == "and":
			f.Description = "All of the conditions must hold."
		case f.Name == "or":
			f.Description = "One of the conditions must hold."
		case strings.HasPrefix(f.Name, "has") && strings.HasSuffix(f.Name, "With") && f.Type.Elem != nil:
			f.Description = "Some row that it leads to meets all of the conditions."
		default:
			f.Description = ""
		}
	}
}

// graphQLType is the type entgql gave the field of an entity.
func graphQLType(f *gen.Field) string {
	a := graphQL(f.Annotations)
	switch {
	case a.Type != "":
		return a.Type
	case f.IsTime():
		return "Time"
	case f.IsBool():
		return "Boolean"
	case f.Type.Type.Float():
		return "Float"
	case f.Type.Type.Integer():
		return "Int"
	case f.IsJSON() && f.Type.RType != nil:
		switch f.Type.RType.Ident { // the lists that entgql knows, too
		case "[]string":
			return "[String!]"
		case "[]int":
			return "[Int!]"
		case "[]float64":
			return "[Float!]"
		}
	}
	return "String"
}
