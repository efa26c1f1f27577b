package naive

import (
	"slices"
	"time"
)

// state is where a reservation stands at the moment: a hold lasts until its
// expiry, which is not part of it.
func (e *Evaluator) state(reservation Row) string {
	if reservation["state"] == "HELD" && !reservation["expiry"].(time.Time).After(e.Now) {
		return "EXPIRED"
	}
	return reservation["state"].(string)
}

// computed are the fields that no column holds.
func (e *Evaluator) computed(row Row, field string) (value any, ok bool) {
	if row.typ() != "Reservation" {
		return nil, false
	}
	switch field {
	case "state":
		return e.state(row), true
	case "expired":
		return e.state(row) == "EXPIRED", true
	case "confirmed":
		return e.state(row) == "CONFIRMED", true
	}
	return nil, false
}

// view says which of the rows of the edge, or of all, are in a view.
type view struct {
	edge string
	has  func(e *Evaluator, row Row) bool
}

var views = map[string]view{
	"activeReservations":    {"reservations", inState("HELD")},
	"confirmedReservations": {"reservations", inState("CONFIRMED")},
	"confirmedReservation":  {"reservations", inState("CONFIRMED")},
	"expiredReservations":   {"reservations", inState("EXPIRED")},
	"availableAppointments": {"appointments", func(e *Evaluator, a Row) bool {
		soonest := e.Now.Add(e.Notice)
		return a["status"] == "OPEN" && !a["timeSlot"].(time.Time).Before(soonest) && !e.has(a, "HELD", "CONFIRMED")
	}},
	"confirmedAppointments": {"appointments", func(e *Evaluator, a Row) bool { return e.has(a, "CONFIRMED") }},
	"reservedAppointments":  {"appointments", func(e *Evaluator, a Row) bool { return e.has(a, "HELD", "CONFIRMED") }},
}

func inState(state string) func(*Evaluator, Row) bool {
	return func(e *Evaluator, r Row) bool { return e.state(r) == state }
}

// has reports whether an appointment has a reservation in one of the states. Who
// may not see that reservation may know this much.
func (e *Evaluator) has(appointment Row, states ...string) bool {
	all := e.All
	if all == nil {
		all = e.Data
	}
	return slices.ContainsFunc(all.related(appointment, "reservations"), func(r Row) bool {
		return slices.Contains(states, e.state(r))
	})
}

// rows are what a field leads to: from a row, or from the root if it is nil.
func (e *Evaluator) rows(from Row, field string) []Row {
	v, narrowed := views[field]
	edge := field
	if narrowed {
		edge = v.edge
	}
	all := e.Data[typeNamed(edge)]
	if from != nil {
		all = e.Data.related(from, edge)
	}
	if narrowed {
		all = slices.DeleteFunc(slices.Clone(all), func(r Row) bool { return !v.has(e, r) })
	}
	return all
}
