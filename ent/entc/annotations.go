package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc/gen"
	entschema "entgo.io/ent/schema"

	"docket/ent/entity"
)

// decode reads the annotation a from the JSON form in which ent hands it over,
// and reports whether it was there.
func decode[A entschema.Annotation](from gen.Annotations, a *A) bool {
	raw, ok := from[(*a).Name()]
	if !ok {
		return false
	}
	text, err := json.Marshal(raw)
	if err == nil {
		err = json.Unmarshal(text, a)
	}
	return err == nil
}

func graphQL(from gen.Annotations) entgql.Annotation {
	var a entgql.Annotation
	decode(from, &a)
	return a
}

// served are the entities that are part of the API.
func served(g *gen.Graph) (all []*gen.Type) {
	for _, n := range g.Nodes {
		if !graphQL(n.Annotations).Skip.Is(entgql.SkipType) {
			all = append(all, n)
		}
	}
	return all
}

// gqlName is what consumers call the entity: Client for the Go type Customer.
func gqlName(n *gen.Type) string {
	if a := graphQL(n.Annotations); a.Type != "" {
		return a.Type
	}
	return n.Name
}

// comment is the description of the entity.
func comment(n *gen.Type) string {
	var c entschema.CommentAnnotation
	if raw, ok := n.Annotations[c.Name()]; ok {
		if text, err := json.Marshal(raw); err == nil {
			_ = json.Unmarshal(text, &c)
		}
	}
	return c.Text
}

// mutates reports whether docket generates the mutation op of the entity.
func mutates(n *gen.Type, op string) bool {
	var set entity.MutationSet
	return !decode(n.Annotations, &set) || slices.Contains(set.Ops, entity.Op(op))
}

func views(n *gen.Type) []entity.View {
	var set entity.ViewSet
	decode(n.Annotations, &set)
	return set.Views
}

// single is the view of which the edge leads to at most one row, if any.
func single(e *gen.Edge) *entity.View {
	var one entity.SingleView
	if decode(e.Annotations, &one) {
		for _, v := range views(e.Type) {
			if v.Name == one.View {
				return &v
			}
		}
	}
	return nil
}

// singleField is the GraphQL field of that row: confirmedReservation.
func singleField(e *gen.Edge) string {
	return viewField(*single(e), gen.Funcs["singular"].(func(string) string)(e.Name))
}

// exclusion is a declared one, and what consumers may know of the row in the way.
type exclusion struct {
	entity.Exclusion
	ScopeField string            // the field that gives the scope, such as providerId
	ScopeOf    string            // the type whose id that is, if it is one
	Times      map[string]string // the columns of its spans, by field
}

func exclusions(n *gen.Type) (all []exclusion, err error) {
	var set entity.ExclusionSet
	decode(n.Annotations, &set)
	columns := map[string]*gen.Field{}
	for _, f := range n.Fields {
		columns[f.StorageKey()] = f
	}
	for _, declared := range set.Exclusions {
		scope := columns[declared.Scope]
		if scope == nil {
			return nil, fmt.Errorf("%s: NoOverlap: there is no column %s", n.Name, declared.Scope)
		}
		x := exclusion{declared, camel(scope.Name), idOf(n, scope), map[string]string{}}
		if x.Constraint == "" {
			x.Constraint = n.Table() + "_" + strings.TrimSuffix(x.Scope, "_id") + "_overlap"
		}
		if x.Code == "" {
			x.Code, x.Message = "OVERLAP", "It overlaps another "+spaced(gqlName(n))+"."
		}
		for _, s := range x.Spans {
			for _, column := range []string{s.Start, s.End} {
				f := columns[column]
				if f == nil || !f.IsTime() {
					return nil, fmt.Errorf("%s: NoOverlap: there is no column %s with a time", n.Name, column)
				}
				if !graphQL(f.Annotations).Skip.Is(entgql.SkipType) {
					x.Times[camel(f.Name)] = column
				}
			}
		}
		all = append(all, x)
	}
	return all, nil
}

// copyOf says that columns repeat those of the row of table Of that Column leads to.
type copyOf struct {
	Column, Of string
	Columns    []string
}

func copies(n *gen.Type) (*copyOf, error) {
	var a entity.Copies
	if !decode(n.Annotations, &a) {
		return nil, nil
	}
	for _, e := range n.Edges {
		if e.Name == a.Edge {
			return &copyOf{Column: e.Rel.Column(), Of: e.Type.Table(), Columns: a.Columns}, nil
		}
	}
	return nil, fmt.Errorf("%s has no edge %q to copy from", n.Name, a.Edge)
}

// viewField is the GraphQL field of a view beside the field it narrows:
// view available of appointments is availableAppointments.
func viewField(v entity.View, of string) string {
	return v.Name + gen.Funcs["pascal"].(func(string) string)(of)
}

// viewPredicate is the function in package schema that chooses the view's rows.
func viewPredicate(n *gen.Type, v entity.View) string {
	return n.Name + gen.Funcs["pascal"].(func(string) string)(v.Name)
}

// camel is the GraphQL name of an input field: provider_id is providerId.
func camel(column string) string {
	words := strings.Split(column, "_")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

// check refuses an entity whose consumers would be left without words, or that
// does not say who they are.
func check(g *gen.Graph) error {
	for _, n := range g.Nodes {
		if n.NumPolicy() == 0 {
			return fmt.Errorf("%s needs a policy: a method Policy() ent.Policy that says who may do what", n.Name)
		}
		if comment(n) == "" {
			return fmt.Errorf("%s needs a comment: entschema.Comment(…) among its annotations", n.Name)
		}
		for _, f := range n.Fields {
			if f.Comment() == "" {
				return fmt.Errorf("%s.%s needs a comment", n.Name, f.Name)
			}
		}
		for _, e := range n.Edges {
			if e.Comment() == "" {
				return fmt.Errorf("edge %s.%s needs a comment", n.Name, e.Name)
			}
		}
	}
	return nil
}
