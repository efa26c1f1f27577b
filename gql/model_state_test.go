package gql_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// everything is all that the API shows of what there is.
const everything = `{
	clients(first: 500) { edges { node { id version firstName } } }
	providers(first: 500) { edges { node { id version firstName } } }
	appointments(first: 500) { edges { node { id version status timeSlot provider { id } confirmedReservation { id } } } }
	reservations(first: 500) { edges { node { id version state expired confirmed expiry confirmedAt cancelledAt timeSlot client { id } appointment { id } } } }
	availableAppointments(first: 500) { edges { node { id } } }
	reservedAppointments(first: 500) { edges { node { id } } }
	activeReservations(first: 500) { edges { node { id } } }
	confirmedReservations(first: 500) { edges { node { id } } }
	expiredReservations(first: 500) { edges { node { id } } }
}`

type edges[N any] struct{ Edges []struct{ Node N } }

// read tells what the API shows, as sorted sentences.
func (m *machine) read() (all []string) {
	type human struct {
		node
		Version   int
		FirstName string
	}
	var v struct {
		Clients, Providers edges[human]
		Appointments       edges[struct {
			node
			Version              int
			Status               string
			TimeSlot             time.Time
			Provider             node
			ConfirmedReservation node
		}]
		Reservations edges[struct {
			node
			Version                  int
			State                    string
			Expired, Confirmed       bool
			Expiry, TimeSlot         time.Time
			ConfirmedAt, CancelledAt time.Time
			Client, Appointment      node
		}]
		AvailableAppointments, ReservedAppointments                    edges[node]
		ActiveReservations, ConfirmedReservations, ExpiredReservations edges[node]
	}
	m.must(m.t, &v, everything, nil)
	for _, e := range v.Clients.Edges {
		all = append(all, fmt.Sprint("client ", e.Node.ID, e.Node.Version, e.Node.FirstName))
	}
	for _, e := range v.Providers.Edges {
		all = append(all, fmt.Sprint("provider ", e.Node.ID, e.Node.Version, e.Node.FirstName))
	}
	for _, e := range v.Appointments.Edges {
		n := e.Node
		all = append(all, tellSlot(n.ID, n.Version, n.Provider.ID, n.TimeSlot, n.Status, n.ConfirmedReservation.ID))
	}
	for _, e := range v.Reservations.Edges {
		n := e.Node
		all = append(all, tellClaim(n.ID, n.Version, n.Client.ID, n.Appointment.ID, n.State, n.TimeSlot, n.Expiry, n.ConfirmedAt, n.CancelledAt))
		if n.Expired != (n.State == "EXPIRED") || n.Confirmed != (n.State == "CONFIRMED") {
			all = append(all, fmt.Sprintf("contradiction: %+v", n))
		}
	}
	for view, shown := range map[string]edges[node]{
		"available": v.AvailableAppointments, "reserved": v.ReservedAppointments,
		"active": v.ActiveReservations, "confirmed": v.ConfirmedReservations, "expired": v.ExpiredReservations,
	} {
		for _, e := range shown.Edges {
			all = append(all, view+" "+e.Node.ID)
		}
	}
	slices.Sort(all)
	return all
}

func tellSlot(id string, version int, provider string, start time.Time, status, confirmed string) string {
	return fmt.Sprint("slot ", id, " version ", version, " of ", provider, " at ", start, " ", status, " confirmed for ", confirmed)
}

func tellClaim(id string, version int, client, slot, state string, start, expiry, confirmed, cancelled time.Time) string {
	return fmt.Sprint("claim ", id, " version ", version, " of ", client, " on ", slot, " at ", start, " ", state, " until ", expiry, " confirmed ", confirmed, " cancelled ", cancelled)
}

// tell tells the same of the model.
func (m model) tell() (all []string) {
	for id, c := range m.clients {
		all = append(all, fmt.Sprint("client ", id, c.version, c.name))
	}
	for id, p := range m.providers {
		all = append(all, fmt.Sprint("provider ", id, p.version, p.name))
	}
	taken, confirmed := map[string]bool{}, map[string]string{}
	for id, c := range m.claims {
		state := m.at(c)
		all = append(all, tellClaim(id, c.version, c.client, c.slot, state, m.slots[c.slot].start, c.expiry, c.confirmedAt, c.cancelled))
		if view := map[string]string{"HELD": "active", "CONFIRMED": "confirmed", "EXPIRED": "expired"}[state]; view != "" {
			all = append(all, view+" "+id)
		}
		taken[c.slot] = taken[c.slot] || m.live(c)
		if state == "CONFIRMED" {
			confirmed[c.slot] = id
		}
	}
	for id, s := range m.slots {
		all = append(all, tellSlot(id, s.version, s.provider, s.start, s.status, confirmed[id]))
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

// compare holds all that the API shows against the model.
// No constraint had to refuse what the gate let through: that would be logged.
func (m *machine) compare(t *rapid.T) {
	if m.log.Len() > 0 {
		t.Fatalf("the log has %s", m.log)
	}
	got, want := m.read(), m.model.tell()
	if reflect.DeepEqual(got, want) {
		return
	}
	var lines []string
	for _, g := range got {
		if !slices.Contains(want, g) {
			lines = append(lines, "got  "+g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			lines = append(lines, "want "+w)
		}
	}
	t.Fatalf("at %v:\n%s", m.model.now, strings.Join(lines, "\n"))
}
