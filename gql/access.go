package gql

import (
	"context"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/ent/entity"
	"docket/ent/schema"
	"docket/internal/planner"
	"docket/internal/viewer"
)

// access says which grants a mutation needs, by its name: those to create for
// xCreate and xBulkCreate, to delete for xDelete, and to update for xUpdate and
// all other verbs on x.
type access map[string]entity.Grants

func accessOf(mutation *ast.Definition, entities []*planner.Entity) access {
	all := access{}
	for _, f := range mutation.Fields {
		longest := ""
		for _, e := range entities {
			verb, is := strings.CutPrefix(f.Name, e.One)
			if !is || len(e.One) < len(longest) {
				continue
			}
			longest, all[f.Name] = e.One, e.Policy.Of(entity.Op(verb))
		}
	}
	return all
}

// check refuses a mutation that the viewer may do with no row at all, before any
// of it is done. Which rows they may do it with, the ORM and the gate know.
func (a access) check(ctx context.Context, next graphql.Resolver) (any, error) {
	if f := graphql.GetFieldContext(ctx); f.Object == mutationType && a[f.Field.Name].To(ctx).None() {
		return nil, entity.Refuse(ctx, "")
	}
	return next(ctx)
}

const mutationType = "Mutation"

// may are the names of the mutations that the viewer may do with some row.
func (a access) may(ctx context.Context) []string {
	names := []string{}
	for name, grants := range a {
		if !grants.To(ctx).None() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// viewerObject is what the field viewer of Query leads to.
func (a access) viewerObject() *planner.Object {
	return &planner.Object{
		Name: "viewer",
		Values: map[string]func(context.Context, *planner.Values){
			"subject": func(ctx context.Context, out *planner.Values) {
				if v, _ := viewer.FromContext(ctx); !v.Anonymous() {
					out.Text(v.Subject)
				} else {
					out.Null()
				}
			},
			"roles": func(ctx context.Context, out *planner.Values) {
				v, _ := viewer.FromContext(ctx)
				roles := make([]string, len(v.Roles))
				for i, r := range v.Roles {
					roles[i] = strings.ToUpper(string(r))
				}
				out.Texts(roles)
			},
			"mutations": func(ctx context.Context, out *planner.Values) { out.Texts(a.may(ctx)) },
		},
		Rows: map[string]planner.ObjectRow{
			"client":   {Entity: "Client", Where: schema.ViewersClient},
			"provider": {Entity: "Provider", Where: schema.ViewersProvider},
		},
	}
}
