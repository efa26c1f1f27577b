package gql_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// state is what an answer says of a reservation.
type state struct {
	ID, State   string
	Version     int
	Expiry      time.Time
	Appointment node
}

const states = `query($r: ID!) { reservation(id: $r) { id state version expiry appointment { id } } }`

func (a *api) state(t *testing.T, reservation string) state {
	t.Helper()
	var v struct{ Reservation state }
	a.must(t, &v, states, map[string]any{"r": reservation})
	return v.Reservation
}

// TestOpening opens ranges that repeat, overlap and leave holes.
func TestOpening(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		p := a.provider(t, "Mei", "Tanaka")
		morning := a.open(t, p, monday, 4)
		if len(morning) != 4 {
			t.Fatalf("opened %d", len(morning))
		}
		if again := a.open(t, p, monday, 4); !slices.Equal(again, morning) {
			t.Errorf("a repeat opened %v, not %v", again, morning)
		}
		later := a.open(t, p, monday.Add(30*time.Minute), 4)
		if !slices.Equal(later[:2], morning[2:]) {
			t.Errorf("an overlap opened %v over %v", later, morning)
		}
		a.open(t, p, monday.Add(2*time.Hour), 1)
		if all := a.open(t, p, monday, 9); len(all) != 9 || !slices.Equal(all[:4], morning) {
			t.Errorf("around a hole: %v", all)
		}
		other := a.open(t, a.provider(t, "Noah", "Weber"), monday.Add(7*time.Minute), 4)
		if len(other) != 4 {
			t.Errorf("another provider has another grid: %v", other)
		}
		a.must(t, nil, withdraw, map[string]any{"a": morning[0]})
		if reopened := a.open(t, p, monday, 4); slices.Contains(reopened, morning[0]) || !slices.Equal(reopened[1:], morning[1:]) {
			t.Errorf("a withdrawn slot came back as itself: %v", reopened)
		}
		var v page
		a.must(t, &v, `mutation($p: ID!) { appointmentBulkCreate(input: {providerId: $p, startTime: "2030-01-07T08:00:00Z", endTime: "2030-01-07T09:00:00Z"}) {
			page: appointments(first: 1) { totalCount pageInfo { hasNextPage } edges { node { id } } } } }`, map[string]any{"p": p})
	})
}

// TestBooking follows one reservation through its life, and repeats each step.
func TestBooking(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		client := a.client(t, "Ada", "Nowak")
		slots := a.open(t, a.provider(t, "Mei", "Tanaka"), monday.Add(24*time.Hour), 4)
		id := a.reserve(t, client, slots[0])
		held := a.state(t, id)
		if held.State != "HELD" || !held.Expiry.Equal(monday.Add(30*time.Minute)) {
			t.Errorf("%+v", held)
		}
		a.clock.Set(monday.Add(30*time.Minute - time.Microsecond))
		if again := a.reserve(t, client, slots[0]); again != id || a.state(t, id) != held {
			t.Errorf("reserving again gave %s, and %+v", again, a.state(t, id))
		}
		a.must(t, nil, move, map[string]any{"r": id, "a": slots[0]})
		if a.state(t, id) != held {
			t.Error("moving to where it is changed it")
		}
		a.confirm(t, id)
		confirmed := a.state(t, id)
		a.clock.Set(monday.Add(24 * time.Hour))
		a.confirm(t, id)
		if confirmed.State != "CONFIRMED" || a.state(t, id) != confirmed {
			t.Errorf("confirmed %+v, then %+v", confirmed, a.state(t, id))
		}
		a.clock.Set(monday)
		a.must(t, nil, move, map[string]any{"r": id, "a": slots[2]})
		if moved := a.state(t, id); moved.State != "CONFIRMED" || moved.Appointment.ID != slots[2] {
			t.Errorf("%+v", moved)
		}
		if free := a.reserve(t, a.client(t, "Ben", "Hughes"), slots[0]); free == id {
			t.Error("the slot it left is not free")
		}
		a.must(t, nil, cancel, map[string]any{"r": id})
		let := a.state(t, id)
		a.must(t, nil, cancel, map[string]any{"r": id})
		if let.State != "CANCELLED" || a.state(t, id) != let {
			t.Errorf("cancelled %+v, then %+v", let, a.state(t, id))
		}
	})
}

// TestWithdrawing cancels a slot under a confirmed reservation.
func TestWithdrawing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		slots := a.open(t, a.provider(t, "Mei", "Tanaka"), monday.Add(24*time.Hour), 1)
		id := a.reserve(t, a.client(t, "Ada", "Nowak"), slots[0])
		a.confirm(t, id)
		for range 2 {
			var v struct {
				AppointmentCancel struct {
					Appointment struct {
						ID, Status   string
						Reservations struct{ Edges []struct{ Node state } }
					}
				}
			}
			a.must(t, &v, withdraw, map[string]any{"a": slots[0]})
			got := v.AppointmentCancel.Appointment
			if got.Status != "CANCELLED" || len(got.Reservations.Edges) != 1 || got.Reservations.Edges[0].Node.State != "CANCELLED" {
				t.Errorf("%+v", got)
			}
		}
	})
}

// TestDeleting deletes people with all that is theirs.
func TestDeleting(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		w := a.populate(t)
		count := func() string {
			r := a.run(t, `{ clients { totalCount } providers { totalCount } appointments { totalCount } reservations { totalCount } }`, nil)
			return strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' || r == ',' {
					return r
				}
				return -1
			}, string(r.Data))
		}
		for _, step := range []struct{ name, query, id, want string }{
			{"at first", "", "", "4,3,16,5"},
			{"a client", `mutation($i: ID!) { clientDelete(input: {id: $i}) { deletedId } }`, w.clients[1], "3,3,16,3"},
			{"a provider", `mutation($i: ID!) { providerDelete(input: {id: $i}) { deletedId } }`, w.providers[0], "3,2,8,0"},
		} {
			if step.query != "" {
				var v map[string]struct{ DeletedID string }
				a.must(t, &v, step.query, map[string]any{"i": step.id})
				for _, p := range v {
					if p.DeletedID != step.id {
						t.Errorf("deleted %s, not %s", p.DeletedID, step.id)
					}
				}
			}
			if got := count(); got != step.want {
				t.Errorf("%s: %s, want %s", step.name, got, step.want)
			}
		}
	})
}

// TestChanging updates what is given and leaves the rest.
func TestChanging(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		id := a.provider(t, "Mei", "Tanaka")
		a.clock.Set(monday.Add(time.Hour))
		var v struct {
			ProviderUpdate struct {
				Provider struct {
					FirstName, LastName, TimeZone string
					Version                       int
					CreatedAt, UpdatedAt          time.Time
				}
			}
		}
		a.must(t, &v, `mutation($p: ID!) { providerUpdate(input: {id: $p, timeZone: "Asia/Tokyo", lastName: "Tanaka-Weber"}) {
			provider { firstName lastName timeZone version createdAt updatedAt } } }`, map[string]any{"p": id})
		got := v.ProviderUpdate.Provider
		if got.FirstName != "Mei" || got.LastName != "Tanaka-Weber" || got.TimeZone != "Asia/Tokyo" || got.Version != 2 ||
			!got.CreatedAt.Equal(monday) || !got.UpdatedAt.Equal(monday.Add(time.Hour)) {
			t.Errorf("%+v", got)
		}
	})
}

// TestFieldsOfAMutation run in order, each in a transaction of its own: what
// fails changes nothing, and takes nothing else with it.
func TestFieldsOfAMutation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		r := a.run(t, `mutation {
			first: clientBulkCreate(input: {clients: [{firstName: "A", lastName: "B"}, {firstName: "C", lastName: "D"}]}) { clients { id firstName } }
			second: clientBulkCreate(input: {clients: [{firstName: "E", lastName: "F"}, {firstName: "", lastName: "H"}]}) { clients { id } }
			third: clientCreate(input: {firstName: "I", lastName: "J"}) { client { id } }
		}`, nil)
		if r.code() != "BAD_USER_INPUT" || r.Errors[0].Path[0] != "second" {
			t.Errorf("%+v", r.Errors)
		}
		var v struct {
			Clients struct {
				Edges []struct{ Node struct{ FirstName string } }
			}
		}
		a.must(t, &v, `{ clients { edges { node { firstName } } } }`, nil)
		var names []string
		for _, e := range v.Clients.Edges {
			names = append(names, e.Node.FirstName)
		}
		if !slices.Equal(names, []string{"A", "C", "I"}) {
			t.Errorf("left are %v", names)
		}
	})
}
