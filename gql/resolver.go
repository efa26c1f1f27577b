// Package gql serves the entities as a Relay GraphQL API.
//
// ent.graphql, ent.resolvers.go, entities.go, exec and model are generated from
// ent/schema; booking.graphql and booking.resolvers.go, the verbs of booking, are
// written by hand. What is read, package planner reads; a mutation's resolver
// writes or calls the gate, and has the planner read what its payload holds.
package gql

import (
	"context"

	"docket/ent/orm"
	_ "docket/ent/orm/runtime" // the hooks, validators and defaults of the schemas
	"docket/gql/exec"
	"docket/internal/gate"
	"docket/internal/idempotency"
	"docket/internal/planner"
	"docket/internal/scalar"
	"docket/internal/telemetry"
)

// Resolver is the root of the resolvers of mutations.
type Resolver struct {
	DB    *orm.Client
	Gate  *gate.Gate
	Keys  idempotency.Keys
	Reads *planner.Planner

	Telemetry *telemetry.Telemetry
}

type (
	mutationResolver struct{ *Resolver }
	queryResolver    struct{}
)

var _ exec.ResolverRoot = (*Resolver)(nil)

// Mutation resolves the fields of Mutation.
func (r *Resolver) Mutation() exec.MutationResolver { return mutationResolver{r} }

// Query resolves nothing: the planner does.
func (r *Resolver) Query() exec.QueryResolver { return queryResolver{} }

// Planned is never asked for: the API has no such field.
func (queryResolver) Planned(context.Context) (*bool, error) { return nil, nil }

// maxBulk is how many rows one xBulkCreate may create.
const maxBulk = 1000

func bulkSize(field string, n int) error {
	if n < 1 || n > maxBulk {
		return badInput(field, "must have 1 to %d entries, not %d", maxBulk, n)
	}
	return nil
}

// wantID refuses an id of another type than the field is for.
func wantID(field string, id int, typ string) error {
	if scalar.TypeOf(id) == typ {
		return nil
	}
	return badInput(field, "must be the id of type %s, not of type %s", typ, scalar.TypeOf(id))
}

// number is n as the type of a column, which may be narrower.
func number[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | uint](field string, n int) (T, error) {
	v := T(n)
	if int(v) != n || (v < 0) != (n < 0) { // the latter in an unsigned one as wide as int
		return 0, badInput(field, "cannot be %d, which is too large or too small", n)
	}
	return v, nil
}

// notNull refuses null for what cannot be empty.
func notNull(field string) error {
	return badInput(field, "cannot be null; leave it out to keep its value")
}
