package gql_test

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// version reads that of a row.
func (a *api) version(t *testing.T, id string) int {
	t.Helper()
	var v struct{ Node struct{ Version int } }
	a.must(t, &v, `query($id: ID!) { node(id: $id) { ... on Client { version } ... on Provider { version } ... on Appointment { version } ... on Reservation { version } } }`,
		map[string]any{"id": id})
	return v.Node.Version
}

// Every mutation of a row takes the version that it expects: with another it
// changes nothing, with the right one it goes on.
func TestEveryMutationOfARowTakesItsVersion(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		w := a.populate(t)
		rows := map[string]string{}
		spare := a.spare(t)
		rows["clientUpdate"], rows["clientDelete"] = w.clients[3], spare["client"]
		rows["providerUpdate"], rows["providerDelete"] = w.providers[2], spare["provider"]
		rows["appointmentCancel"] = w.slots[14]
		rows["reservationConfirm"], rows["reservationReschedule"], rows["reservationCancel"] = w.reservations[2], w.reservations[2], w.reservations[2]
		for _, r := range repeatables(w, spare) {
			id := rows[r.field]
			if strings.Contains(r.input, "$v") != (id != "") {
				t.Fatalf("%s changes one row, or not", r.field)
			}
			if id == "" {
				continue
			}
			has := a.version(t, id)
			for _, other := range []string{"0", "99", "-1"} {
				got := a.run(t, r.with("", other), nil)
				if got.code() != "VERSION_CONFLICT" || got.Errors[0].Extensions["version"] != float64(has) || a.version(t, id) != has {
					t.Errorf("%s expecting %s of %d: %s %+v", r.field, other, has, got.Data, got.Errors)
				}
			}
			if got := a.run(t, r.with("", strconv.Itoa(has)), nil); len(got.Errors) > 0 {
				t.Errorf("%s expecting %d: %+v", r.field, has, got.Errors)
			}
		}
	})
}

// The conflict tells what has changed since the version that was expected.
func TestAConflictTellsWhatChanged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		conflict := func(mutation string, want map[string]any) {
			t.Helper()
			got := a.run(t, "mutation { "+mutation+" }", nil)
			want["code"] = "VERSION_CONFLICT"
			if got.code() == nil || !reflect.DeepEqual(got.Errors[0].Extensions, want) {
				t.Errorf("%s: got %s %+v\nwant %v", mutation, got.Data, got.Errors, want)
			}
		}
		slots := a.open(t, a.provider(t, "Mei", "Tanaka"), monday.Add(24*time.Hour), 2)
		client := a.client(t, "Ada", "Nowak")
		id := a.reserve(t, client, slots[0])
		rename := func(input string) {
			t.Helper()
			a.must(t, nil, `mutation { clientUpdate(input: {id: "`+client+`", `+input+`}) { client { id } } }`, nil)
		}
		rename(`lastName: "Kaya"`)
		rename(`firstName: "Ida", lastName: "Kaya"`) // it is that already
		rename(`lastName: "Demir"`)
		conflict(`clientUpdate(input: {id: "`+client+`", expectedVersion: 1, lastName: "X"}) { client { id } }`,
			map[string]any{"type": "Client", "id": client, "expectedVersion": 1.0, "version": 4.0, "changed": []any{"firstName", "lastName"}})
		conflict(`clientUpdate(input: {id: "`+client+`", expectedVersion: 3, lastName: "X"}) { client { id } }`,
			map[string]any{"type": "Client", "id": client, "expectedVersion": 3.0, "version": 4.0, "changed": []any{"lastName"}})

		a.confirm(t, id)
		conflict(`reservationCancel(input: {reservationId: "`+id+`", expectedVersion: 1}) { reservation { id } }`,
			map[string]any{"type": "Reservation", "id": id, "expectedVersion": 1.0, "version": 2.0, "changed": []any{"confirmedAt", "state"}})
		a.must(t, nil, move, map[string]any{"r": id, "a": slots[1]})
		conflict(`reservationCancel(input: {reservationId: "`+id+`", expectedVersion: 2}) { reservation { id } }`,
			map[string]any{"type": "Reservation", "id": id, "expectedVersion": 2.0, "version": 3.0, "changed": []any{"appointment", "endsAt", "timeSlot"}})
		a.must(t, nil, withdraw, map[string]any{"a": slots[1]}) // and the reservation with it
		conflict(`reservationCancel(input: {reservationId: "`+id+`", expectedVersion: 3}) { reservation { id } }`,
			map[string]any{"type": "Reservation", "id": id, "expectedVersion": 3.0, "version": 4.0, "changed": []any{"cancelledAt", "state"}})
		conflict(`appointmentCancel(input: {appointmentId: "`+slots[1]+`", expectedVersion: 1}) { appointment { id } }`,
			map[string]any{"type": "Appointment", "id": slots[1], "expectedVersion": 1.0, "version": 2.0, "changed": []any{"status"}})
	})
}

// Of many who change what they have seen, one does; nobody's change is lost.
func TestRaceOfUpdatesThatExpectAVersion(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		client := a.client(t, "Ada", "Nowak")
		for version := 1; version <= 3; version++ {
			codes := make([]any, 8)
			var done sync.WaitGroup
			for i := range codes {
				done.Go(func() {
					codes[i] = a.run(t, `mutation($c: ID!, $v: Int!, $n: String!) { clientUpdate(input: {id: $c, expectedVersion: $v, lastName: $n}) { client { version } } }`,
						map[string]any{"c": client, "v": version, "n": "K" + strconv.Itoa(i)}).code()
				})
			}
			done.Wait()
			count := map[any]int{}
			for _, code := range codes {
				count[code]++
			}
			if count[nil] != 1 || count["VERSION_CONFLICT"] != 7 || a.version(t, client) != version+1 {
				t.Errorf("of version %d: %v", version, count)
			}
		}
	})
}

// A repeat under a key is no conflict, though the version has gone on by itself.
func TestAKeyGoesBeforeAVersion(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		client := a.client(t, "Ada", "Nowak")
		rename := `mutation($k: String) { clientUpdate(input: {id: "` + client + `", expectedVersion: 1, lastName: "Kaya", idempotencyKey: $k}) { client { version } } }`
		for range 2 {
			a.must(t, nil, rename, map[string]any{"k": "first"})
		}
		if got := a.run(t, rename, map[string]any{"k": "second"}); got.code() != "VERSION_CONFLICT" {
			t.Errorf("%s %+v", got.Data, got.Errors)
		}
	})
}
