package naive

import (
	"slices"
	"time"
)

// Viewer is who asks: the subject of their token, "" without one, and their roles.
type Viewer struct {
	Subject string
	Roles   []string // admin, client, provider
}

func (v Viewer) is(role string) bool { return v.Subject != "" && slices.Contains(v.Roles, role) }

// For returns an evaluator that knows only what the viewer may see: the rows that
// are theirs to see, and in those no value that they may not know. It is what
// policies are held against, so it says once more, row by row, what they say. It
// has told no cursor yet.
//
// Of pairs of clients and providers nothing needs to be left out: somebody who is
// neither sees none of the reservations that make them.
func (e *Evaluator) For(v Viewer) *Evaluator {
	s := *e
	s.positions = map[string]position{}
	s.See(e, v)
	return &s
}

// See has the evaluator know what the viewer may see of what all knows now.
func (e *Evaluator) See(all *Evaluator, v Viewer) {
	o := observer{Evaluator: all, Viewer: v}
	e.Data, e.All = Data{}, all.Data
	for typ, rows := range all.Data {
		for _, row := range rows {
			if o.sees(row) {
				e.Data[typ] = append(e.Data[typ], o.masked(row))
			}
		}
	}
}

// observer is a viewer, and all that there is.
type observer struct {
	*Evaluator
	Viewer
}

// mine reports whether the row is the viewer's own, of a client or a provider.
func (o observer) mine(person Row) bool {
	return o.is(lowerFirst(person.typ())) && person["subject"] == o.Subject
}

// owns reports whether a row belongs to the viewer's own of the type.
func (o observer) owns(row Row, typ string) bool {
	return slices.ContainsFunc(o.Data[typ], func(person Row) bool { return o.mine(person) && o.Data.linked(row, person) })
}

func (o observer) sees(row Row) bool {
	if o.is("admin") || row.typ() == "Provider" {
		return true
	}
	reservations := o.Data.related(row, "reservations")
	with := func(typ string) bool {
		return slices.ContainsFunc(reservations, func(r Row) bool { return o.owns(r, typ) })
	}
	switch row.typ() {
	case "Client":
		return o.mine(row) || with("Provider")
	case "Appointment":
		return o.owns(row, "Provider") || with("Client") || views["availableAppointments"].has(o.Evaluator, row)
	case "Reservation":
		return o.owns(row, "Client") || o.owns(row, "Provider")
	}
	return false
}

// masked is a row without the values that the viewer may not know.
func (o observer) masked(row Row) Row {
	_, person := row["subject"]
	if o.is("admin") || !person || o.mine(row) {
		return row
	}
	row = row.Clone()
	row["subject"] = nil
	if row.typ() == "Client" && !slices.ContainsFunc(o.Data.related(row, "reservations"), o.namely) {
		row["firstName"], row["lastName"] = nil, nil
	}
	return row
}

// namely reports whether a reservation tells the viewer, who is its provider, the
// names of its client: one that was ever confirmed, or is held.
func (o observer) namely(reservation Row) bool {
	if !o.owns(reservation, "Provider") {
		return false
	}
	held := reservation["state"] == "HELD" && reservation["expiry"].(time.Time).After(o.Now)
	return held || reservation["state"] == "CONFIRMED" || reservation["confirmedAt"] != nil
}
