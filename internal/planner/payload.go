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
	compile(c *compiler, f *collected, path ast.Path) writer
	bind(r *run, l *list, b *page) error
}

// Row is the row of an entity with the id.
type Row struct {
	Entity string
	ID     int
}

func (s Row) compile(c *compiler, f *collected, path ast.Path) writer {
	return c.one(c.plan.top, nil, f, &list{entity: c.entities[s.Entity], origin: bySource, path: path})
}

func (s Row) bind(_ *run, _ *list, b *page) error { //nolint:unparam // as other sources
	b.ids, b.size = []int{s.ID}, 1
	return nil
}

// RowList are the rows of an entity with the ids, in their order.
type RowList struct {
	Entity string
	IDs    []int
}

func (s RowList) compile(c *compiler, f *collected, path ast.Path) writer {
	l := &list{entity: c.entities[s.Entity], origin: bySource, path: path}
	c.list(nil, f, l)
	if c.err != nil {
		return foreign("")
	}
	t := nodeType{list: l, id: l.row.cellOf(l.entity.column("id"))}
	t.object = c.object(l, c.schema.Types[l.entity.Name], f.selections, path)
	l.rows = c.plan.top.add(cell{part: partRows, list: l})
	return &nodeObjects{many: true, types: []nodeType{t}}
}

func (s RowList) bind(_ *run, _ *list, b *page) error { //nolint:unparam // as other sources
	b.ids, b.wanted, b.size, b.skip = s.IDs, s.IDs, len(s.IDs), len(s.IDs) == 0
	return nil
}

// Connection are the rows of an entity that a predicate chooses, as a connection
// in some order.
type Connection struct {
	Entity string
	Where  func(*entsql.Selector)
	Order  string
}

func (s Connection) compile(c *compiler, f *collected, path ast.Path) writer {
	return c.connection(c.plan.top, nil, f, &list{entity: c.entities[s.Entity], origin: bySource, path: path})
}

func (s Connection) bind(r *run, l *list, b *page) error {
	args, err := arguments(l.field, r.vars)
	if err != nil {
		return err
	}
	args["orderBy"] = map[string]any{"field": s.Order}
	b.where = func(context.Context) func(*entsql.Selector) { return s.Where }
	return r.bindPage(l, b, args)
}

// DeletedID is the id of a row that is gone.
type DeletedID int

func (DeletedID) compile(_ *compiler, f *collected, _ ast.Path) writer { return sourceID(f.Name) }

func (DeletedID) bind(*run, *list, *page) error { return nil }

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
	key := planKey{field.Field, p.conditionsOf(oc.Operation, oc.Variables)}
	plan, err := p.cached(key, func() (*plan, error) { return p.payload(field, sources, oc.Variables) })
	if err != nil {
		return nil, err
	}
	r := &run{Planner: p, vars: oc.Variables, sources: sources}
	data, errs := r.answer(ctx, plan)
	if data == nil {
		return nil, errors.Join(errs...)
	}
	for _, err := range errs {
		graphql.AddError(ctx, err)
	}
	return &Payload{data}, nil
}
