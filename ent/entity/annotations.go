package entity

import (
	"slices"

	entschema "entgo.io/ent/schema"
)

// Op is a mutation that docket can generate for an entity.
type Op string

// The generated mutations of an entity X.
const (
	Create     Op = "Create"     // xCreate
	Update     Op = "Update"     // xUpdate
	Delete     Op = "Delete"     // xDelete
	BulkCreate Op = "BulkCreate" // xBulkCreate
)

// MutationSet is the annotation made by [Mutations].
type MutationSet struct{ Ops []Op }

// Name of the annotation.
func (MutationSet) Name() string { return "DocketMutations" }

// Mutations chooses the generated mutations of an entity; without it an entity
// has all four. Mutations() generates none: the entity moves by verbs only.
func Mutations(ops ...Op) entschema.Annotation { return MutationSet{ops} }

// ViewSet is the annotation made by [Views].
type ViewSet struct{ Views []View }

// View is a named part of an entity's rows, decided by the moment of the request.
type View struct {
	// Name is an adjective: "available" gives availableAppointments at the
	// root and beside every edge to appointments.
	Name string
	// Comment describes the rows, as a noun phrase.
	Comment string
	// Rare says that they are few among all. Then they are found first and
	// ordered then, instead of walking along the order until a page is full.
	Rare bool
}

// Name of the annotation.
func (ViewSet) Name() string { return "DocketViews" }

// Views declares parts of an entity's rows as connections of their own. The
// rows of view "available" of Appointment are chosen by the predicate
//
//	func AppointmentAvailable(context.Context) func(*sql.Selector)
//
// in package schema.
func Views(views ...View) entschema.Annotation { return ViewSet{views} }

// SingleView is the annotation made by [One].
type SingleView struct{ View string }

// Name of the annotation.
func (SingleView) Name() string { return "DocketOne" }

// One says that an edge to many leads to at most one row of the view: view
// "confirmed" of reservations gives the field confirmedReservation beside it.
func One(view string) entschema.Annotation { return SingleView{view} }

// ExclusionSet is the annotation made by [NoOverlap].
type ExclusionSet struct{ Exclusions []Exclusion }

// Exclusion says that no two rows may agree in Scope while all their Spans
// overlap.
type Exclusion struct {
	Scope string    // a column of numbers, such as provider_id
	Spans []Span    // half-open intervals
	Where *Equality // only rows for which this holds take part

	Constraint    string // its name in the database
	Code, Message string // of the error
}

// Span is a half-open interval made of two columns; a null End never ends.
type Span struct{ Start, End string }

// Equality is the condition Column = Value.
type Equality struct{ Column, Value string }

// NoOverlap says that of two rows with the same scope, each from start to end,
// one ends before the other starts. It becomes an exclusion constraint on
// PostgreSQL and a pair of triggers on SQLite; whoever breaks it gets an error
// that tells the row in the way. An entity may have several.
func NoOverlap(scope, start, end string) ExclusionSet {
	return ExclusionSet{[]Exclusion{{Scope: scope, Spans: []Span{{start, end}}}}}
}

// And adds a second span: only rows that overlap in both are in each other's way.
func (s ExclusionSet) And(start, end string) ExclusionSet {
	return s.with(func(x *Exclusion) { x.Spans = append(x.Spans, Span{start, end}) })
}

// Where has only those rows take part that have the value in the column.
func (s ExclusionSet) Where(column, value string) ExclusionSet {
	return s.with(func(x *Exclusion) { x.Where = &Equality{column, value} })
}

// Named gives the constraint another name than TABLE_SCOPE_overlap.
func (s ExclusionSet) Named(constraint string) ExclusionSet {
	return s.with(func(x *Exclusion) { x.Constraint = constraint })
}

// Refused gives the error another code than OVERLAP, and words of its own.
func (s ExclusionSet) Refused(code, message string) ExclusionSet {
	return s.with(func(x *Exclusion) { x.Code, x.Message = code, message })
}

func (s ExclusionSet) with(change func(*Exclusion)) ExclusionSet {
	all := slices.Clone(s.Exclusions)
	change(&all[len(all)-1])
	return ExclusionSet{all}
}

// Name of the annotation.
func (ExclusionSet) Name() string { return "DocketExclusions" }

// Merge joins the exclusions of an entity.
func (s ExclusionSet) Merge(other entschema.Annotation) entschema.Annotation {
	if o, ok := other.(ExclusionSet); ok {
		s.Exclusions = slices.Concat(s.Exclusions, o.Exclusions)
	}
	return s
}

// Copies is the annotation made by [CopiesOf].
type Copies struct {
	Edge    string
	Columns []string
}

// Name of the annotation.
func (Copies) Name() string { return "DocketCopies" }

// CopiesOf says that the columns repeat those of the same name in the row that
// the edge leads to. A foreign key over all of them, and the edge's column,
// keeps the copies true.
func CopiesOf(edge string, columns ...string) entschema.Annotation { return Copies{edge, columns} }

// GuardedField is the annotation made by [Guarded].
type GuardedField struct{}

// Name of the annotation.
func (GuardedField) Name() string { return "DocketGuarded" }

// Guarded says that not everyone who sees a row sees the field: the Fields of its
// [Policy] say who does, and to all others it is null.
func Guarded() entschema.Annotation { return GuardedField{} }
