// Package gql serves the entities as a Relay GraphQL API.
//
// ent.graphql, ent.resolvers.go, exec and model are generated from ent/schema;
// booking.graphql and booking.resolvers.go, the verbs of booking, are written
// by hand. A resolver finds its rows or calls the gate; rules live below.
package gql

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"docket/ent/orm"
	_ "docket/ent/orm/runtime" // the hooks, validators and defaults of the schemas
	"docket/ent/selection"
	"docket/gql/exec"
	"docket/gql/globalid"
	"docket/internal/gate"
)

// Resolver is the root of all resolvers.
type Resolver struct {
	DB   *orm.Client
	Gate *gate.Gate
}

type (
	queryResolver       struct{ *Resolver }
	mutationResolver    struct{ *Resolver }
	reservationResolver struct{ *Resolver }
	openedResolver      struct{ *Resolver }
)

var _ exec.ResolverRoot = (*Resolver)(nil)

// Query resolves the fields of Query.
func (r *Resolver) Query() exec.QueryResolver { return queryResolver{r} }

// Mutation resolves the fields of Mutation.
func (r *Resolver) Mutation() exec.MutationResolver { return mutationResolver{r} }

// Reservation resolves the fields of Reservation that depend on the clock.
func (r *Resolver) Reservation() exec.ReservationResolver { return reservationResolver{r} }

// AppointmentBulkCreatePayload resolves the slots of the range that was opened.
func (r *Resolver) AppointmentBulkCreatePayload() exec.AppointmentBulkCreatePayloadResolver {
	return openedResolver{r}
}

// Node answers the root field node; an id that leads nowhere gives null.
func (r queryResolver) Node(ctx context.Context, id int) (orm.Noder, error) {
	nodes, err := r.Nodes(ctx, []int{id})
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}

// Nodes answers the root field nodes, in the order of ids, with one statement
// for each type; an id that leads nowhere gives null.
func (r queryResolver) Nodes(ctx context.Context, ids []int) ([]orm.Noder, error) {
	byType := map[string][]int{}
	for _, id := range ids {
		byType[globalid.Type(id)] = append(byType[globalid.Type(id)], id)
	}
	found := make(map[int]orm.Noder, len(ids))
	for typ, ids := range byType {
		if err := r.load(ctx, typ, ids, found); err != nil {
			return nil, err
		}
	}
	nodes := make([]orm.Noder, len(ids))
	for i, id := range ids {
		nodes[i] = found[id]
	}
	return nodes, nil
}

// payloadField is ctx as the field of that name in the payload sees it, so
// that what the payload holds is read with exactly what was selected under it.
func payloadField(ctx context.Context, name string) context.Context {
	mutation := graphql.GetFieldContext(ctx)
	field := selection.Child(graphql.GetOperationContext(ctx), mutation.Field, name)
	if field == nil {
		return ctx
	}
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Parent: mutation, Field: *field})
}

// maxBulk is how many rows one xBulkCreate may create.
const maxBulk = 1000

func bulkSize(field string, n int) error {
	if n < 1 || n > maxBulk {
		return &inputError{Field: field, Message: fmt.Sprintf("must have 1 to %d entries, not %d", maxBulk, n)}
	}
	return nil
}

// wantID refuses an id of another type than the field is for.
func wantID(field string, id int, typ string) error {
	if globalid.Type(id) == typ {
		return nil
	}
	return &inputError{Field: field, Message: fmt.Sprintf("must be the id of type %s, not of type %s", typ, globalid.Type(id))}
}

// number is n as the type of a column, which may be narrower.
func number[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | uint](field string, n int) (T, error) {
	v := T(n)
	if int(v) != n || (v < 0) != (n < 0) { // the latter in an unsigned one as wide as int
		return 0, &inputError{Field: field, Message: fmt.Sprintf("cannot be %d, which is too large or too small", n)}
	}
	return v, nil
}

// notNull refuses null for what cannot be empty.
func notNull(field string) error {
	return &inputError{Field: field, Message: "cannot be null; leave it out to keep its value"}
}

// missing turns ent's "not found" into the one of the API.
func missing(err error, typ string, id int) error {
	if orm.IsNotFound(err) {
		return &gate.NotFound{Type: typ, ID: id}
	}
	return err
}
