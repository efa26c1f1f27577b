package gql_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/gql"
	"docket/internal/booking"
	"docket/internal/idempotency"
	"docket/internal/viewer"
)

// rows counts the rows of all tables but those of keys and changes.
func (a *api) rows(t *testing.T) (n [4]int) {
	t.Helper()
	ctx := booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: a.clock.Now(), Rules: booking.DefaultRules()})
	var err [4]error
	n[0], err[0] = a.orm.Customer.Query().Count(ctx)
	n[1], err[1] = a.orm.Provider.Query().Count(ctx)
	n[2], err[2] = a.orm.Appointment.Query().Count(ctx)
	n[3], err[3] = a.orm.Reservation.Query().Count(ctx)
	for _, e := range err {
		if e != nil {
			t.Fatal(e)
		}
	}
	return n
}

// repeatable is a mutation, with $v where the version goes that it expects.
type repeatable struct{ field, input, selection string }

// repeatables are all mutations, in an order in which each can be done once. An
// entity's own are done with rows that nothing else here needs.
func repeatables(w world, spare map[string]string) []repeatable {
	return []repeatable{
		{"clientCreate", `firstName: "Ida", lastName: "Kaya"`, `client { id firstName }`},
		{"clientBulkCreate", `clients: [{firstName: "Ida", lastName: "One"}, {firstName: "Ida", lastName: "Two"}]`, `clients { id lastName version }`},
		{"clientUpdate", `id: "` + w.clients[3] + `", lastName: "Demir" $v`, `client { id lastName version }`},
		{"clientDelete", `id: "` + spare["client"] + `" $v`, `deletedId`},
		{"providerCreate", `firstName: "Ida", lastName: "Kaya"`, `provider { id timeZone }`},
		{"providerBulkCreate", `providers: [{firstName: "Ida", lastName: "One", timeZone: "Asia/Tokyo"}]`, `providers { id timeZone }`},
		{"providerUpdate", `id: "` + w.providers[2] + `", timeZone: "Europe/Berlin" $v`, `provider { timeZone version }`},
		{"providerDelete", `id: "` + spare["provider"] + `" $v`, `deletedId`},
		{"appointmentBulkCreate", `providerId: "` + w.providers[2] + `", startTime: "2030-02-01T08:00:00Z", endTime: "2030-02-01T09:00:00Z"`, `appointments { edges { node { id } } }`},
		{"appointmentCancel", `appointmentId: "` + w.slots[14] + `" $v`, `appointment { id status version }`},
		{"reservationCreate", `clientId: "` + w.clients[3] + `", appointmentId: "` + w.slots[5] + `"`, `reservation { id state version }`},
		{"reservationConfirm", `reservationId: "` + w.reservations[2] + `" $v`, `reservation { id state version }`},
		{"reservationReschedule", `reservationId: "` + w.reservations[2] + `", appointmentId: "` + w.slots[6] + `" $v`, `reservation { id appointment { id } version }`},
		{"reservationCancel", `reservationId: "` + w.reservations[2] + `" $v`, `reservation { id state version }`},
	}
}

func (r repeatable) with(key, version string) string {
	input := r.input
	if version != "" {
		version = ", expectedVersion: " + version
	}
	input = strings.ReplaceAll(input, " $v", version)
	if key != "" {
		input += fmt.Sprintf(", idempotencyKey: %q", key)
	}
	return fmt.Sprintf("mutation { %s(input: {%s}) { %s } }", r.field, input, r.selection)
}

// spare are a client and a provider to delete.
func (a *api) spare(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"client": a.client(t, "Nina", "Gone"), "provider": a.provider(t, "Nina", "Gone")}
}

// Every mutation that is sent again with its key is not done again, whether or
// not doing it again would change anything.
func TestEveryMutationIsDoneOnceForAKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		w := a.populate(t)
		all := repeatables(w, a.spare(t))
		schema, err := gql.Schema()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range schema.Mutation.Fields {
			if !slices.ContainsFunc(all, func(r repeatable) bool { return r.field == f.Name }) {
				t.Errorf("%s is not tried", f.Name)
			}
		}
		for _, r := range all {
			first := a.run(t, r.with("of "+r.field, ""), nil)
			if len(first.Errors) > 0 {
				t.Fatalf("%s: %+v", r.field, first.Errors)
			}
			before := a.rows(t)
			for range 2 {
				if again := a.run(t, r.with("of "+r.field, ""), nil); !reflect.DeepEqual(again, first) {
					t.Errorf("%s again: %s %+v, first it was %s", r.field, again.Data, again.Errors, first.Data)
				}
			}
			if after := a.rows(t); after != before {
				t.Errorf("%s again: there were %v rows, now %v", r.field, before, after)
			}
		}
	})
}

// The same request many times at once is done once, and all get what came of it.
func TestManyAtOnceWithAKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		w := a.populate(t)
		for _, r := range repeatables(w, a.spare(t)) {
			before, answers := a.rows(t), make([]response, 8)
			var done sync.WaitGroup
			for i := range answers {
				done.Go(func() { answers[i] = a.run(t, r.with("at once", ""), nil) })
			}
			done.Wait()
			for _, got := range answers {
				if len(got.Errors) > 0 || string(got.Data) != string(answers[0].Data) {
					t.Errorf("%s: %s %+v, and %s", r.field, got.Data, got.Errors, answers[0].Data)
				}
			}
			grown := map[string]int{"clientCreate": 1, "clientBulkCreate": 2, "providerCreate": 1, "providerBulkCreate": 1}
			if after := a.rows(t); after[0]+after[1] != before[0]+before[1]+grown[r.field] && !strings.HasSuffix(r.field, "Delete") {
				t.Errorf("%s: there were %v rows, now %v", r.field, before, after)
			}
		}
	})
}

// keyed creates a client under a key.
func (a *api) keyed(t *testing.T, key, name string) (id string, r response) {
	t.Helper()
	r = a.run(t, `mutation($k: String, $n: String!) { clientCreate(input: {firstName: "Ida", lastName: $n, idempotencyKey: $k}) { client { id } } }`,
		map[string]any{"k": key, "n": name})
	if len(r.Errors) > 0 {
		return "", r
	}
	_, id, _ = strings.Cut(string(r.Data), `"id":"`)
	return strings.TrimSuffix(id, `"}}}`), r
}

func TestAKeyIsForOneInput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		first, _ := a.keyed(t, "k", "Kaya")
		_, other := a.keyed(t, "k", "Demir")
		want := map[string]any{"code": "IDEMPOTENCY_KEY_REUSED", "field": "idempotencyKey"}
		if other.code() == nil || !reflect.DeepEqual(other.Errors[0].Extensions, want) {
			t.Errorf("another input: %s %+v", other.Data, other.Errors)
		}
		if again, _ := a.keyed(t, "k", "Kaya"); again != first {
			t.Errorf("the same input: %s, first it was %s", again, first)
		}
		// Where the input is written does not matter, nor what is selected.
		got := a.run(t, `mutation { again: clientCreate(input: {idempotencyKey: "k", lastName: "Kaya", firstName: "Ida"}) { client { id lastName } } }`, nil)
		if string(got.Data) != `{"again":{"client":{"id":"`+first+`","lastName":"Kaya"}}}` {
			t.Errorf("written otherwise: %s %+v", got.Data, got.Errors)
		}
		// Another operation has keys of its own.
		a.must(t, nil, `mutation { providerCreate(input: {firstName: "Ida", lastName: "Kaya", idempotencyKey: "k"}) { provider { id } } }`, nil)
		// Fields of one document are done in turn.
		got = a.run(t, `mutation { a: clientCreate(input: {firstName: "I", lastName: "K", idempotencyKey: "two"}) { client { id } }
			b: clientCreate(input: {firstName: "I", lastName: "K", idempotencyKey: "two"}) { client { id } } }`, nil)
		a1, b1, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(string(got.Data), `{"a":`), "}"), `,"b":`)
		if a1 != b1 || a1 == "" {
			t.Errorf("twice in a document: %s %+v", got.Data, got.Errors)
		}
	})
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		for _, key := range []string{"", strings.Repeat("k", idempotency.MaxKey+1), "a\x00b"} {
			_, r := a.keyed(t, key, "Kaya")
			if r.code() != "BAD_USER_INPUT" || r.Errors[0].Extensions["field"] != "idempotencyKey" {
				t.Errorf("%q: %s %+v", key, r.Data, r.Errors)
			}
		}
		for _, key := range []string{"k", strings.Repeat("k", idempotency.MaxKey), "Ключ 🗝", `'); DROP TABLE clients; --`} {
			first, _ := a.keyed(t, key, "Kaya")
			if again, r := a.keyed(t, key, "Kaya"); again == "" || again != first {
				t.Errorf("%q: %s, then %s %+v", key, first, again, r.Errors)
			}
		}
		// null is no key.
		a.must(t, nil, `mutation { clientCreate(input: {firstName: "Ida", lastName: "Kaya", idempotencyKey: null}) { client { id } } }`, nil)
	})
}

// What was refused has changed nothing: asked again, it is decided again.
func TestARefusalIsNotKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		slot := a.open(t, a.provider(t, "Mei", "Tanaka"), monday.Add(24*time.Hour), 1)[0]
		first, second := a.client(t, "Ada", "Nowak"), a.client(t, "Ben", "Hughes")
		held := a.reserve(t, first, slot)
		try := `mutation { reservationCreate(input: {clientId: "` + second + `", appointmentId: "` + slot + `", idempotencyKey: "k"}) { reservation { state } } }`
		if r := a.run(t, try, nil); r.code() != "SLOT_HELD" {
			t.Fatalf("%s %+v", r.Data, r.Errors)
		}
		a.must(t, nil, cancel, map[string]any{"r": held})
		a.must(t, nil, try, nil)
	})
}

// A repeat answers with the row as it is now, and says so where it is gone.
func TestARepeatReadsWhatIsThereNow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		id, _ := a.keyed(t, "k", "Kaya")
		a.must(t, nil, `mutation($c: ID!) { clientUpdate(input: {id: $c, lastName: "Demir"}) { client { id } } }`, map[string]any{"c": id})
		var v struct {
			ClientCreate struct{ Client struct{ LastName string } }
		}
		again := `mutation { clientCreate(input: {firstName: "Ida", lastName: "Kaya", idempotencyKey: "k"}) { client { lastName } } }`
		a.must(t, &v, again, nil)
		if v.ClientCreate.Client.LastName != "Demir" {
			t.Errorf("got %+v", v)
		}
		a.must(t, nil, `mutation($c: ID!) { clientDelete(input: {id: $c}) { deletedId } }`, map[string]any{"c": id})
		want := map[string]any{"code": "NOT_FOUND", "type": "Client", "id": id}
		if r := a.run(t, again, nil); r.code() == nil || !reflect.DeepEqual(r.Errors[0].Extensions, want) {
			t.Errorf("%s %+v, want %v", r.Data, r.Errors, want)
		}
	})
}

// A key is forgotten at the end of its time, be it swept away or not.
func TestAKeyIsKeptForItsTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		const keep = 24 * time.Hour
		first, _ := a.keyed(t, "k", "Kaya")
		a.clock.Set(monday.Add(keep - time.Microsecond))
		if again, _ := a.keyed(t, "k", "Kaya"); again != first {
			t.Errorf("got %s before its time is over, want %s", again, first)
		}
		keys := idempotency.Keys{Keep: keep}
		for i, sweep := range []func(*orm.Client) error{
			func(db *orm.Client) error { return keys.Forget(t.Context(), db, monday.Add(keep-time.Microsecond)) },
			func(db *orm.Client) error { return keys.Forget(t.Context(), db, monday.Add(keep)) },
		} {
			if err := sweep(a.orm); err != nil {
				t.Fatal(err)
			}
			if left, err := a.orm.IdempotencyKey.Query().Count(entity.Service(t.Context())); err != nil || left != 1-i {
				t.Errorf("sweep %d leaves %d: %v", i, left, err)
			}
		}
		second, _ := a.keyed(t, "k", "Kaya")
		a.clock.Set(monday.Add(2*keep - time.Microsecond))
		third, _ := a.keyed(t, "k", "Another input") // its time is over, though it is there yet
		if second == first || third == "" || third == second {
			t.Errorf("got %s, %s and %s", first, second, third)
		}
	})
}
