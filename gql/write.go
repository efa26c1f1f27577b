package gql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"docket/ent/orm"
	"docket/internal/audit"
	"docket/internal/gate"
	"docket/internal/idempotency"
	"docket/internal/overlap"
	"docket/internal/planner"
	"docket/internal/scalar"
	"docket/internal/txn"
	"docket/internal/viewer"
)

// write does what a mutation field asks for, in one transaction of its own, and
// reads its payload once that is committed. do returns the ids of the rows it
// leads to, and what the payload holds of them. A key has it done once.
func (r *Resolver) write(ctx context.Context, key graphql.Omittable[*string], holds func(ids []int) sources, do func(tx *orm.Tx) ([]int, error)) (*planner.Payload, error) {
	request, err := requested(ctx, key.Value())
	if err != nil {
		return nil, err
	}
	done := false
	ids, err := txn.Do(audit.NewContext(ctx, asking(ctx)), r.DB, func(tx *orm.Tx) ([]int, error) {
		if request == nil {
			return do(tx)
		}
		done = false
		return r.Keys.Once(ctx, tx, *request, func() ([]int, error) { done = true; return do(tx) })
	})
	if err != nil {
		return nil, overlap.Explain(ctx, r.DB, err)
	}
	if request != nil && !done {
		r.Telemetry.Repeated(ctx)
	}
	payload, err := r.Reads.Payload(ctx, holds(ids))
	if errors.Is(err, planner.ErrMissing) && len(ids) == 1 {
		err = fmt.Errorf("%w: %w", &gate.NotFound{Type: scalar.TypeOf(ids[0]), ID: ids[0]}, err)
	}
	return payload, err
}

// asking is who asks for the mutation field of ctx, as the audit trail has it:
// nobody, where nobody was asked. A token may have any name that we would give them.
func asking(ctx context.Context) audit.Asking {
	who := audit.Asking{Operation: graphql.GetFieldContext(ctx).Field.Name}
	if v, _ := viewer.FromContext(ctx); !v.Unasked() {
		who.Viewer = v.Subject
	}
	return who
}

// requested is the request that the mutation field of ctx makes under the key,
// nil without one.
func requested(ctx context.Context, key *string) (*idempotency.Request, error) {
	if key == nil {
		return nil, nil
	}
	if n := len(*key); n < 1 || n > idempotency.MaxKey || !utf8.ValidString(*key) {
		return nil, badInput(keyField, "must have 1 to %d bytes, not %d", idempotency.MaxKey, n)
	}
	field := graphql.GetFieldContext(ctx).Field
	input, _ := field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)["input"].(map[string]any)
	input = maps.Clone(input)
	delete(input, keyField)
	v, _ := viewer.FromContext(ctx)
	return &idempotency.Request{Asker: v.Subject, Operation: field.Name, Key: *key, Input: input}, nil
}

const keyField = "idempotencyKey"

// sources are what the fields of a payload hold.
type sources = map[string]planner.Source

func oneRow(field string) func([]int) sources {
	return func(ids []int) sources { return sources{field: planner.Row(ids[0])} }
}

func manyRows(field string) func([]int) sources {
	return func(ids []int) sources { return sources{field: planner.RowList(ids)} }
}

func deletedRow(ids []int) sources { return sources{"deletedId": planner.DeletedID(ids[0])} }

// expect refuses to change a row that has another version than the one that is
// expected, if one is; version reads and locks it.
func expect(ctx context.Context, tx *orm.Tx, typ string, id int, expected graphql.Omittable[*int], version interface {
	Int(context.Context) (int, error)
},
) error {
	want := expected.Value()
	if want == nil {
		return nil
	}
	has, err := version.Int(ctx)
	if err != nil {
		return gate.Missing(err, typ, id)
	}
	return gate.Expect(ctx, tx, id, has, want)
}
