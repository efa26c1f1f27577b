package planner

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"docket/ent/entity"
)

// Entity is what the planner knows of a type: its names and how it is stored.
type Entity struct {
	Name  string // in GraphQL: Client
	Table string
	One   string // the root field of one row by its id: client
	// Policy chooses what the viewer of a request sees, wherever a statement
	// speaks of the entity. Without one, nobody sees anything.
	Policy entity.Policy

	Fields   []Field
	Edges    []Edge
	Orders   []Order
	Views    []View // the root fields of many rows: clients, and one for each view
	Computed []Computed
}

// Field is a column that consumers can select, filter by, or both.
type Field struct {
	Name   string // in GraphQL: firstName
	Column string
	Kind   Kind
	Of     string // for kind ID, the entity whose id it is, "" for any; for kind Enum, its type
}

// Kind is how a value is written, and what its filters take.
type Kind int

// The kinds. On the way from the database all but the first two are free of ';'.
const (
	Text Kind = iota
	JSON      // cannot be filtered by
	Enum
	ID
	Int
	Float
	Bool
	Time
)

// Edge is a field that leads to rows of another entity.
type Edge struct {
	Name  string // in GraphQL: appointments, availableAppointments
	To    string // the other entity
	Link  Link
	Many  bool  // a connection; otherwise one object, or none
	Few   bool  // one object although Link leads to many: the first that Where chooses
	Where Where // narrows the rows to those of a view, if not nil

	of *Entity // whose edge it is
}

// Link says which rows of another table belong to a row: those whose column
// There is its column Here. Through a table between, those whose id is its
// There where its Here is the row's id.
type Link struct{ Through, Here, There string }

// framed reports whether values of the kind come with their length.
func (k Kind) framed() bool { return k == Text || k == JSON }

// View is a root connection.
type View struct {
	Name  string // in GraphQL: appointments, availableAppointments
	Where Where  // chooses its rows, if not nil
	Rare  bool   // they are few: find them first, and order them then
}

// Where makes the predicate that chooses rows for the request of ctx.
type Where func(context.Context) func(*sql.Selector)

// Order is a value of an entity's order enum: by a column, by a column of the
// row that an edge leads to, or by the number of rows that it leads to.
type Order struct {
	Name     string // in GraphQL: FIRST_NAME, PROVIDER_LAST_NAME, RESERVATIONS_COUNT
	Edge     string // of this entity, if not by an own column
	Column   string // without one: by the number of rows
	Kind     Kind
	Nullable bool
}

// Computed is a field written by hand. It gets the rows of a whole page, of all
// pages that the operation reads of it, at once, and whatever it reads besides
// is read for all of them.
type Computed struct {
	Name    string   // in GraphQL
	Columns []string // what it needs of a row
	// Resolve adds one value to out for each of the rows, in their order.
	Resolve func(ctx context.Context, args map[string]any, rows Rows, out *Values) error
}

func (e *Entity) edge(name string) *Edge {
	return find(e.Edges, func(edge *Edge) bool { return edge.Name == name })
}

func (e *Entity) field(name string) *Field {
	return find(e.Fields, func(f *Field) bool { return f.Name == name })
}

func (e *Entity) column(column string) *Field {
	return find(e.Fields, func(f *Field) bool { return f.Column == column })
}

func (e *Entity) order(name string) *Order {
	return find(e.Orders, func(o *Order) bool { return o.Name == name })
}

func (e *Entity) computed(name string) *Computed {
	return find(e.Computed, func(c *Computed) bool { return c.Name == name })
}

// find is the first of all that is what is looked for, in its place; nil if none is.
func find[T any](all []T, is func(*T) bool) *T {
	for i := range all {
		if is(&all[i]) {
			return &all[i]
		}
	}
	return nil
}
