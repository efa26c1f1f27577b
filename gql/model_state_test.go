package gql_test

import (
	"fmt"
	"slices"
	"time"
)

// What is selected of a row, wherever it is shown.
const (
	personFields = `{ id version firstName }`
	slotFields   = `{ id version status timeSlot endsAt provider { id } confirmedReservation { id } }`
	claimFields  = `{ id version state expired confirmed expiry confirmedAt cancelledAt timeSlot endsAt client { id } provider { id } appointment { id } }`
)

// everything is all that the API shows of what there is.
const everything = `{
	clients(first: 500) { edges { node ` + personFields + ` } }
	providers(first: 500) { edges { node ` + personFields + ` } }
	appointments(first: 500) { edges { node ` + slotFields + ` } }
	reservations(first: 500) { edges { node ` + claimFields + ` } }
	availableAppointments(first: 500) { edges { node { id } } }
	reservedAppointments(first: 500) { edges { node { id } } }
	confirmedAppointments(first: 500) { edges { node { id } } }
	activeReservations(first: 500) { edges { node { id } } }
	confirmedReservations(first: 500) { edges { node { id } } }
	expiredReservations(first: 500) { edges { node { id } } }
}`

type edges[N any] struct{ Edges []struct{ Node N } }

type shownPerson struct {
	node
	Version   int
	FirstName string
}

type shownSlot struct {
	node
	Version              int
	Status               string
	TimeSlot, EndsAt     time.Time
	Provider             node
	ConfirmedReservation node
}

type shownClaim struct {
	node
	Version                  int
	State                    string
	Expired, Confirmed       bool
	Expiry, TimeSlot, EndsAt time.Time
	ConfirmedAt, CancelledAt time.Time
	Client, Appointment      node
	Provider                 node
}

// shown is what the API shows of what there is.
type shown struct {
	Clients, Providers                                             edges[shownPerson]
	Appointments                                                   edges[shownSlot]
	Reservations                                                   edges[shownClaim]
	AvailableAppointments, ReservedAppointments                    edges[node]
	ConfirmedAppointments                                          edges[node]
	ActiveReservations, ConfirmedReservations, ExpiredReservations edges[node]
}

// A row is told as a sentence, of the API and of the model alike.

func (p shownPerson) tell() string {
	return fmt.Sprint(p.ID, " version ", p.Version, " named ", p.FirstName)
}

func (s shownSlot) tell() string {
	return fmt.Sprint(s.ID, " version ", s.Version, " of ", s.Provider.ID, " from ", s.TimeSlot, " to ", s.EndsAt,
		" ", s.Status, " confirmed for ", s.ConfirmedReservation.ID)
}

func (c shownClaim) tell() string {
	return fmt.Sprint(c.ID, " version ", c.Version, " of ", c.Client.ID, " on ", c.Appointment.ID, " of ", c.Provider.ID,
		" from ", c.TimeSlot, " to ", c.EndsAt, " ", c.State, " expired ", c.Expired, " confirmed ", c.Confirmed,
		" until ", c.Expiry, " confirmed ", c.ConfirmedAt, " cancelled ", c.CancelledAt)
}

// sentence tells of one row of the model; nothing, if it is not there.
func (m model) sentence(id string) string {
	for _, people := range []map[string]person{m.clients, m.providers} {
		if p, ok := people[id]; ok {
			return shownPerson{node{id}, p.version, p.name}.tell()
		}
	}
	if s, ok := m.slots[id]; ok {
		told := shownSlot{node{id}, s.version, s.status, s.start, s.start.Add(slotLength), node{s.provider}, node{}}
		for claim, c := range m.claims {
			if c.slot == id && c.state == "CONFIRMED" {
				told.ConfirmedReservation = node{claim}
			}
		}
		return told.tell()
	}
	if c, ok := m.claims[id]; ok {
		s, state := m.slots[c.slot], m.at(c)
		return shownClaim{
			node{id},
			c.version, state, state == "EXPIRED", state == "CONFIRMED",
			c.expiry, s.start, s.start.Add(slotLength), c.confirmedAt, c.cancelled,
			node{c.client},
			node{c.slot},
			node{s.provider},
		}.tell()
	}
	return ""
}

// tell tells all that the API shows, in some order.
func (v shown) tell() (all []string) {
	for _, people := range []edges[shownPerson]{v.Clients, v.Providers} {
		for _, e := range people.Edges {
			all = append(all, e.Node.tell())
		}
	}
	for _, e := range v.Appointments.Edges {
		all = append(all, e.Node.tell())
	}
	for _, e := range v.Reservations.Edges {
		all = append(all, e.Node.tell())
	}
	for view, shown := range map[string]edges[node]{
		"available ": v.AvailableAppointments, "reserved ": v.ReservedAppointments, "booked ": v.ConfirmedAppointments,
		"active ": v.ActiveReservations, "confirmed ": v.ConfirmedReservations, "expired ": v.ExpiredReservations,
	} {
		for _, e := range shown.Edges {
			all = append(all, view+e.Node.ID)
		}
	}
	slices.Sort(all)
	return all
}

// tell tells the same of the model.
func (m model) tell() (all []string) {
	for _, ids := range [][]string{oldest(m.clients), oldest(m.providers), oldest(m.slots), oldest(m.claims)} {
		for _, id := range ids {
			all = append(all, m.sentence(id))
		}
	}
	taken, booked := map[string]bool{}, map[string]bool{}
	for id, c := range m.claims {
		if view := map[string]string{"HELD": "active ", "CONFIRMED": "confirmed ", "EXPIRED": "expired "}[m.at(c)]; view != "" {
			all = append(all, view+id)
		}
		taken[c.slot] = taken[c.slot] || m.live(c)
		booked[c.slot] = booked[c.slot] || c.state == "CONFIRMED"
	}
	for id, s := range m.slots {
		if booked[id] {
			all = append(all, "booked "+id)
		}
		switch {
		case taken[id]:
			all = append(all, "reserved "+id)
		case s.status == "OPEN" && !s.start.Before(m.now.Add(notice)):
			all = append(all, "available "+id)
		}
	}
	slices.Sort(all)
	return all
}
