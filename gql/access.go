package gql

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/ent/entity"
	"docket/internal/planner"
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
	return names
}
