package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
	"entgo.io/ent/entc/load"
)

// prepare completes the graph before anything is generated from it, and writes
// docket's own files after ent has written its.
type prepare struct {
	entc.DefaultExtension
	enums map[string]string // the Go type of each GraphQL enum
}

//go:embed policy.tmpl
var policy string

// Templates of the extension are what ent writes besides its own.
func (p prepare) Templates() []*gen.Template {
	return []*gen.Template{gen.MustParse(gen.NewTemplate("policy").Parse(policy))}
}

// Hooks of the extension.
func (p prepare) Hooks() []gen.Hook {
	return []gen.Hook{func(next gen.Generator) gen.Generator {
		return gen.GenerateFunc(func(g *gen.Graph) error {
			if err := check(g); err != nil {
				return err
			}
			for _, n := range served(g) {
				p.addEnums(n)
				if err := errors.Join(order(n), connect(n), index(n)); err != nil {
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
	for _, f := range columns(n) {
		a := graphQL(f.Annotations)
		if a.OrderField != "" || a.Skip.Is(entgql.SkipOrderField) || !f.Type.Comparable() || f.Sensitive() {
			continue
		}
		a.OrderField = strings.ToUpper(f.Name)
		err = errors.Join(err, annotate(&f.Annotations, a))
	}
	return err
}

// connect makes every edge to many a connection, with the views of the entity
// that it leads to beside it.
func connect(n *gen.Type) (err error) {
	for _, e := range n.Edges {
		a := graphQL(e.Annotations)
		if e.Unique || a.Skip.Is(entgql.SkipType) {
			continue
		}
		a.RelayConnection = true
		if vs := views(e.Type); len(vs) > 0 {
			// To entgql this says: these fields all read the one edge.
			a.Unbind, a.Mapping = true, []string{e.Name}
			for _, v := range vs {
				a.Mapping = append(a.Mapping, viewField(v, e.Name))
			}
		}
		err = errors.Join(err, annotate(&e.Annotations, a))
	}
	return err
}

// index adds what serves each order of the entity, and each edge that leads to
// it: an index on the column and then the id, unless the schema has declared it.
func index(n *gen.Type) (err error) {
	for _, f := range n.Fields {
		if graphQL(f.Annotations).OrderField == "" && idOf(n, f) == "" {
			continue
		}
		columns := []string{f.StorageKey(), n.ID.StorageKey()}
		if slices.ContainsFunc(n.Indexes, func(i *gen.Index) bool { return slices.Equal(i.Columns, columns) }) {
			continue
		}
		err = errors.Join(err, n.AddIndex(&load.Index{Fields: []string{f.Name, n.ID.Name}}))
	}
	for _, fk := range n.ForeignKeys { // of edges without a field of their own
		columns := []string{fk.Field.StorageKey(), n.ID.StorageKey()}
		if !fk.UserDefined && !fk.Edge.O2O() { // which is unique
			n.Indexes = append(n.Indexes, &gen.Index{Name: strings.Join(append([]string{strings.ToLower(n.Name)}, columns...), "_"), Columns: columns})
		}
	}
	return err
}

// addEnums notes the Go types of the enums of the entity.
func (p prepare) addEnums(n *gen.Type) {
	for _, f := range n.EnumFields() {
		p.enums[gqlName(n)+f.StructField()] = n.Config.Package + "/" + strings.TrimPrefix(f.Type.String(), "*")
	}
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
