package profiler_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"docket/internal/profiler"
)

// A statement for each row of a list is told as such, where it is and in the list.
func TestRepeats(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d docket) {
		d.ask(t, "/naive", `query Once { clients(first: 1) { id reservations } }`, nil)
		d.ask(t, "/naive", `query Naive { clients { id reservations } }`, nil)
		list := d.page(t, "/debug/requests")
		wants(t, list, `Naive N\+1 12×`, `\| 13 \|`, `Once \|`)
		wants(t, d.page(t, "/debug/requests/"+d.latest(t)), `Naive N\+1 12×`, `SELECT clients \| 12`, `\nreservations \|`, `12 × SELECT reservations N\+1 \| \d+`, `\n2 \| .* 4294967297`, `\n3 \| .* 4294967298`, `\n13 \| `)
		if only := d.page(t, "/debug/requests?only=repeats"); !strings.Contains(only, "Naive") || strings.Contains(only, "Once") {
			t.Errorf("of N+1:\n%s", only)
		}
		d.ask(t, "/naive", `query Same { clients(first: 3) { same } }`, nil)
		wants(t, d.page(t, "/debug/requests/"+d.latest(t)), `3 × SELECT providers same again \| `)
		d.ask(t, "/naive", `query Bad { fails }`, nil)
		wants(t, d.page(t, "/debug/requests/"+d.latest(t)), `SELECT nowhere failed`, `nowhere`)
	})
}

// the way.
func TestTriedAgain(t *testing.T) {
	t.Parallel()
	d := serve(t, "sqlite3", profiler.New(time.Now))
	const read, again = "SELECT 1 FROM slots", "query($texts: [String!]!) { saw(texts: $texts) }"
	d.ask(t, "/naive", again, map[string]any{"texts": []string{"BEGIN", read, "ROLLBACK", read, "BEGIN", read, "COMMIT"}})
	if page := d.page(t, "/debug/requests/"+d.latest(t)); strings.Contains(page, "again") || strings.Count(page, "\nSELECT slots") != 3 {
		t.Errorf("one for each transaction:\n%s", page)
	}
	d.ask(t, "/naive", again, map[string]any{"texts": []string{"BEGIN", read, read, "COMMIT"}})
	wants(t, d.page(t, "/debug/requests/"+d.latest(t)), `2 × SELECT slots same again`)
}

// somebody's to mend.
func TestDocketRepeatsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d docket) {
		id := func(query string) (ids []any) {
			t.Helper()
			answer := d.ask(t, "/graphql", query, nil)
			for _, m := range regexp.MustCompile(`"id":"([^"]+)"`).FindAllStringSubmatch(answer, -1) {
				ids = append(ids, m[1])
			}
			if strings.Contains(answer, `"errors"`) || len(ids) == 0 {
				t.Fatalf("%s: %s", query, answer)
			}
			return ids
		}
		people := id(`mutation { clientBulkCreate(input: {clients: [{firstName: "A", lastName: "B"}, {firstName: "C", lastName: "D"}, {firstName: "E", lastName: "F"}]}) { clients { id } } }`)
		provider := id(`mutation { providerCreate(input: {firstName: "P", lastName: "Q", timeZone: "UTC"}) { provider { id } } }`)
		day := time.Now().UTC().Add(20 * 24 * time.Hour).Truncate(24 * time.Hour)
		slots := id(fmt.Sprintf(`mutation { appointmentBulkCreate(input: {providerId: %q, startTime: %q, endTime: %q}) { appointments { edges { node { id } } } } }`, provider[0], day.Format(time.RFC3339), day.Add(4*time.Hour).Format(time.RFC3339)))
		reserved := id(fmt.Sprintf(`mutation { reservationCreate(input: {clientId: %q, appointmentId: %q, idempotencyKey: "one"}) { reservation { id client { id } } } }`, people[0], slots[0]))
		for _, mutation := range []string{
			`reservationReschedule(input: {reservationId: %q, appointmentId: "` + fmt.Sprint(slots[5]) + `"}) { reservation { id } }`,
			`reservationConfirm(input: {reservationId: %q}) { reservation { id appointment { id provider { id } } } }`,
			`reservationCancel(input: {reservationId: %q}) { reservation { id } }`,
		} {
			id("mutation { " + fmt.Sprintf(mutation, reserved[0]) + " }")
		}
		id(fmt.Sprintf(`mutation { clientUpdate(input: {id: %q, lastName: "Z"}) { client { id } } }`, people[0]))
		d.ask(t, "/graphql", fmt.Sprintf(`mutation { clientDelete(input: {id: %q}) { deletedId } }`, people[2]), nil)
		id(`{ clients(first: 30) { edges { node { id reservations { edges { node { id client { id } appointment { id provider { id } } } } } providers { edges { node { id } } } } } } providers { edges { node { id clients { edges { node { id } } } } } } }`)
		if page := d.page(t, "/debug/requests?only=repeats"); !strings.Contains(page, "None of the 10 operations") {
			t.Errorf("repeats:\n%s", page)
		}
	})
}
