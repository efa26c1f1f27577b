package planner

import (
	"context"
	"errors"
	"io"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/scalar"
)

// Source is what a field of a mutation's payload holds.
type Source interface {
	bind(l *list, b *page)
}

// Row is the row of the field's type with the id.
type Row int

func (s Row) bind(_ *list, b *page) { b.ids, b.size = []int{int(s)}, 1 }

// RowList are the rows of the field's type with the ids, in their order.
type RowList []int

func (s RowList) bind(_ *list, b *page) {
	b.ids, b.wanted, b.size, b.skip = s, s, len(s), len(s) == 0
}

// Connection are the rows of the field's type that a predicate chooses. Where the
// field has no argument orderBy, they are in the order of that name.
type Connection struct {
	Where func(*entsql.Selector)
	Order string
}

func (s Connection) bind(l *list, b *page) {
	b.where = func(context.Context) func(*entsql.Selector) { return s.Where }
	if s.Order != "" && l.field.Definition.Arguments.ForName("orderBy") == nil {
		b.order = l.entity.order(s.Order)
	}
}

// DeletedID is the id of a row that is gone.
type DeletedID int

func (DeletedID) bind(*list, *page) {}

// sourceID writes the id that a source holds.
type sourceID string

func (s sourceID) write(r *run, _ []datum) bool {
	id, ok := r.sources[string(s)].(DeletedID)
	if !ok {
		return r.fail(errText)
	}
	r.out = append(scalar.AppendID(append(r.out, '"'), int(id)), '"')
	return true
}

// Payload is an answer that is written already.
type Payload struct{ json []byte }

// MarshalGQL writes the answer.
func (p Payload) MarshalGQL(w io.Writer) { _, _ = w.Write(p.json) }

// UnmarshalGQL makes Payload a scalar to gqlgen, which never reads one.
func (*Payload) UnmarshalGQL(any) error { return errors.New("planner: a payload is not an input") }

// Payload reads what is selected of the payload of the mutation field that ctx
// is in, whose fields hold what sources say. It is called when what they lead to
// is committed.
func (p *Planner) Payload(ctx context.Context, sources map[string]Source) (*Payload, error) {
	field := graphql.GetFieldContext(ctx).Field
	oc := graphql.GetOperationContext(ctx)
	plan, err := p.payloadPlan(oc, field)
	if err != nil {
		return nil, err
	}
	r := &run{Planner: p, ctx: ctx, vars: oc.Variables, sources: sources, path: ast.Path{ast.PathName(field.Alias)}}
	data, errs := r.answer(plan)
	if data == nil {
		return nil, errors.Join(errs...)
	}
	for _, err := range errs {
		graphql.AddError(ctx, err)
	}
	return &Payload{data}, nil
}

func (p *Planner) payloadPlan(oc *graphql.OperationContext, field graphql.CollectedField) (*plan, error) {
	conditions, err := p.conditionsOf(oc.Operation, oc.Variables)
	if err != nil {
		return nil, err
	}
	return p.cached(planKey{field.Field, conditions}, field.Position, func() (*plan, error) { return p.payload(field, oc.Variables) })
}

// Check reports what is wrong with mutations before any of them is done. What is
// selected of their payloads has to be readable before they are executed: an
// error after that would read as if nothing had changed.
func (p *Planner) Check(ctx context.Context, oc *graphql.OperationContext) (errs []error) {
	if _, err := p.conditionsOf(oc.Operation, oc.Variables); err != nil {
		return []error{err}
	}
	var cost Cost
	for _, field := range graphql.CollectFields(oc, oc.Operation.SelectionSet, []string{p.schema.Mutation.Name}) {
		if field.Name == typename {
			continue
		}
		plan, err := p.payloadPlan(oc, field)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r := &run{Planner: p, ctx: ctx, vars: oc.Variables, cost: Cost{Writes: p.written(field, oc.Variables)}}
		errs = append(errs, r.bind(plan)...)
		cost.add(r.cost)
	}
	if err := p.charge(oc, cost); err != nil && len(errs) == 0 {
		errs = append(errs, err)
	}
	return errs
}
