package main

import (
	"encoding/json"
	"errors"
	"strings"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

// prepare completes the graph before anything is generated from it, and writes
// docket's own files after ent has written its.
type prepare struct{ entc.DefaultExtension }

// Hooks of the extension.
func (prepare) Hooks() []gen.Hook {
	return []gen.Hook{func(next gen.Generator) gen.Generator {
		return gen.GenerateFunc(func(g *gen.Graph) error {
			if err := check(g); err != nil {
				return err
			}
			for _, n := range g.Nodes {
				if err := errors.Join(order(n), showViews(n)); err != nil {
					return err
				}
			}
			if err := next.Generate(g); err != nil {
				return err
			}
			return writeFiles(g)
		})
	}}
}

// order lets consumers order by every comparable field they can see.
func order(n *gen.Type) (err error) {
	for _, f := range append([]*gen.Field{n.ID}, n.Fields...) {
		a := graphQL(f.Annotations)
		if a.OrderField != "" || a.Skip.Is(entgql.SkipOrderField) || !f.Type.Comparable() || f.Sensitive() {
			continue
		}
		a.OrderField = strings.ToUpper(f.Name)
		err = errors.Join(err, annotate(&f.Annotations, a))
	}
	return err
}

// showViews offers the views of an entity beside every edge that leads to many of it.
func showViews(n *gen.Type) (err error) {
	for _, e := range n.Edges {
		a := graphQL(e.Annotations)
		vs := views(e.Type)
		if e.Unique || len(vs) == 0 || a.Skip.Is(entgql.SkipType) {
			continue
		}
		// To entgql this says: these fields all read the one edge.
		a.Unbind, a.Mapping = true, []string{e.Name}
		for _, v := range vs {
			a.Mapping = append(a.Mapping, viewField(v, e.Name))
		}
		err = errors.Join(err, annotate(&e.Annotations, a))
	}
	return err
}

// annotate sets the annotation in the JSON form in which ent hands it over.
func annotate(to *gen.Annotations, a entgql.Annotation) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	if *to == nil {
		*to = gen.Annotations{}
	}
	(*to)[a.Name()] = raw
	return nil
}
