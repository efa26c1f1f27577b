package entity

import entschema "entgo.io/ent/schema"

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
// overlap. It becomes an exclusion constraint on PostgreSQL and a pair of
// triggers on SQLite, both called Name.
type Exclusion struct {
	Name  string
	Scope string    // a column of numbers, such as provider_id
	Spans []Span    // half-open intervals
	Where *Equality // only rows for which this holds take part
}

// Span is a half-open interval made of two columns; a null End never ends.
type Span struct{ Start, End string }

// Equality is the condition Column = Value.
type Equality struct{ Column, Value string }

// Name of the annotation.
func (ExclusionSet) Name() string { return "DocketExclusions" }

// NoOverlap declares exclusions of an entity's rows.
func NoOverlap(exclusions ...Exclusion) entschema.Annotation { return ExclusionSet{exclusions} }

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
