package entity

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"entgo.io/ent"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/privacy"

	"docket/internal/viewer"
)

// Policy says who may do what with the rows of an entity. What no grant gives is
// refused, so an empty Policy refuses everything. Grants are predicates on rows:
// ent's builders have them for every statement that somebody's request leads to,
// and the planner has them wherever it speaks of the entity. Which fields and pairs
// may not be read only the planner knows: ent returns whole rows, and what its
// predicates say of other entities, nobody narrows.
type Policy struct {
	// Create, Update and Delete are about the row that is written; a verb of the
	// gate asks them, too. Those who may change only some rows cannot change the
	// columns that decide which: nobody gives their rows away.
	Read, Create, Update, Delete Grants
	// Fields narrow what the grants above give, by column.
	Fields map[string]FieldPolicy
	// Edges say who may know the pairs of an edge through a table between, by its
	// name. Their predicates are about that table. Without it, whoever may read
	// both rows may.
	Edges map[string]Grants
}

// FieldPolicy is who may read a field, and who may write it; nil is whoever may
// read or write the row. To those who may not read it, a field is null: where it
// is selected, filtered by, or ordered by. Its schema has to say [Guarded].
type FieldPolicy struct{ Read, Write Grants }

// Grants are the ways to be given rows; one is enough.
type Grants []Grant

// Grant is what a viewer is given.
type Grant func(ctx context.Context, v viewer.Viewer) Rows

// Rows are some of the rows of a table: those for which one of the predicates
// holds. The zero Rows are none.
type Rows struct {
	all    bool
	either []func(*sql.Selector) *sql.Predicate
}

// All are all rows.
func All() Rows { return Rows{all: true} }

// Where are the rows for which a predicate holds.
func Where(predicate func(*sql.Selector) *sql.Predicate) Rows {
	return Rows{either: []func(*sql.Selector) *sql.Predicate{predicate}}
}

// All reports whether no row is left out.
func (r Rows) All() bool { return r.all }

// None reports whether no row can be among them.
func (r Rows) None() bool { return !r.all && len(r.either) == 0 }

// Predicate holds for the rows, of those that s selects.
func (r Rows) Predicate(s *sql.Selector) *sql.Predicate {
	switch {
	case r.all:
		return sql.Not(sql.False())
	case r.None():
		return sql.False()
	case len(r.either) == 1: // ent's Or of one predicate has no parentheses, whatever stands around it
		return r.either[0](s)
	}
	either := make([]*sql.Predicate, len(r.either))
	for i, where := range r.either {
		either[i] = where(s)
	}
	return sql.Or(either...)
}

// Narrow leaves s only the rows.
func (r Rows) Narrow(s *sql.Selector) {
	if !r.all {
		s.Where(r.Predicate(s))
	}
}

// Include reports whether what a view chooses is among them for certain: it is what
// one of their predicates says, word by word. table selects from where both look.
func (r Rows) Include(view func(*sql.Selector), table func() *sql.Selector) bool {
	chosen := table()
	view(chosen)
	query, args := chosen.Query()
	return r.all || slices.ContainsFunc(r.either, func(where func(*sql.Selector) *sql.Predicate) bool {
		given := table()
		given.Where(where(given))
		same, with := given.Query()
		return same == query && reflect.DeepEqual(with, args)
	})
}

// To are the rows that the grants give the viewer of ctx; none where there is no
// viewer.
func (g Grants) To(ctx context.Context) (given Rows) {
	v, ok := viewer.FromContext(ctx)
	if !ok {
		return Rows{}
	}
	for _, grant := range g {
		rows := grant(ctx, v)
		if rows.all {
			return rows
		}
		given.either = append(given.either, rows.either...)
	}
	return given
}

// Of are the grants of what op does; any other verb changes rows.
func (p Policy) Of(op Op) Grants {
	switch op {
	case Create, BulkCreate:
		return p.Create
	case Delete:
		return p.Delete
	}
	return p.Update
}

// Service is ctx for what the service does on its own account, or after it has
// decided that the viewer may have it done.
func Service(ctx context.Context) context.Context { return privacy.DecisionContext(ctx, privacy.Allow) }

// Refused says that the viewer may not do that, with any row or with this one.
type Refused struct {
	Field     string // the column that may not be written, if it is about one
	Anonymous bool   // the viewer did not say who they are
}

func (e *Refused) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("the viewer may not write %s", e.Field)
	}
	return "the viewer may not do this"
}

// Unwrap makes it a denial of ent's.
func (*Refused) Unwrap() error { return privacy.Deny }

// Refuse is the refusal of the viewer of ctx.
func Refuse(ctx context.Context, field string) *Refused {
	v, _ := viewer.FromContext(ctx)
	return &Refused{Field: field, Anonymous: v.Anonymous()}
}

var _ ent.Policy = Policy{}

// EvalQuery leaves a query of ent's only the rows that the viewer may read.
func (p Policy) EvalQuery(ctx context.Context, q ent.Query) error {
	rows := p.Read.To(ctx)
	if rows.All() {
		return nil
	}
	narrowed, ok := q.(interface{ WhereP(...func(*sql.Selector)) })
	if !ok {
		return privacy.Denyf("%T cannot be narrowed", q)
	}
	narrowed.WhereP(rows.Narrow)
	return nil
}

// EvalMutation leaves a mutation of ent's only the rows that the viewer may
// write, and refuses one that no such row could meet.
func (p Policy) EvalMutation(ctx context.Context, m ent.Mutation) error {
	n, ok := m.(narrowed)
	if !ok {
		return privacy.Denyf("%T cannot be narrowed", m)
	}
	w := written{m, n}
	op := Update
	switch {
	case m.Op().Is(ent.OpCreate):
		op = Create
	case m.Op().Is(ent.OpDelete | ent.OpDeleteOne):
		op = Delete
	}
	if err := w.permit(ctx, op, p.Of(op).To(ctx), ""); err != nil {
		return err
	}
	for _, name := range slices.Concat(m.Fields(), m.AddedFields(), m.ClearedFields()) {
		if f := p.Fields[name]; f.Write != nil {
			if err := w.permit(ctx, op, f.Write.To(ctx), name); err != nil {
				return err
			}
		}
	}
	return nil
}
