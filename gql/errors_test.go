package gql_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"docket/internal/scalar"
)

// refusal is an operation, and the error it is to end with.
type refusal struct {
	name  string
	query string
	vars  map[string]any
	code  string
	facts map[string]any // beside the code; all of them
}

// TestErrors makes each error that the API documents, with its facts, and
// checks that nothing of the database shows through.
func TestErrors(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		w := a.populate(t)
		var seen []string
		for _, r := range append(refusals(w), inputErrors(w)...) {
			t.Run(r.name, func(t *testing.T) {
				seen = append(seen, r.code)
				checkRefusal(t, a, r)
			})
		}
		for _, code := range documentedCodes(t) {
			if !slices.Contains(seen, code) && !slices.Contains(elsewhere, code) {
				t.Errorf("docs/errors.md has %s, but no operation here makes it", code)
			}
		}
		if a.log.Len() > 0 {
			t.Errorf("these are no internal errors, but the log has\n%s", a.log)
		}
	})
}

// elsewhere are codes that other tests make.
var elsewhere = []string{
	"UNAUTHENTICATED", "FORBIDDEN", "CLIENT_BUSY", "INTERNAL", "CONTENTION", "TIMEOUT", "UNAVAILABLE",
	"ALREADY_EXISTS", "VERSION_CONFLICT", "IDEMPOTENCY_KEY_REUSED", "OVERLAP", "RATE_LIMITED",
	"PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED", "PERSISTED_QUERY_HASH_MISMATCH", "DOCUMENT_NOT_TRUSTED",
}

func checkRefusal(t *testing.T, a *api, r refusal) {
	t.Helper()
	got := a.run(t, r.query, r.vars)
	if len(got.Errors) != 1 {
		t.Fatalf("errors %+v, data %s", got.Errors, got.Data)
	}
	e := got.Errors[0]
	facts := maps.Clone(e.Extensions)
	delete(facts, "code")
	want := r.facts
	if want == nil {
		want = map[string]any{}
	}
	if e.Extensions["code"] != r.code || !maps.Equal(facts, want) {
		t.Errorf("got  %v\nwant %s %v", e.Extensions, r.code, want)
	}
	if e.Message == "" || leaks.MatchString(e.Message) {
		t.Errorf("message %q", e.Message)
	}
}

var leaks = regexp.MustCompile(`(?i)\bpq:|sqlite|select |\bent:|\borm\b|constraint|\.go\b|customer`)

func refusals(w world) []refusal {
	at := func(d time.Duration) string { return monday.Add(d).Format(time.RFC3339) }
	open := `mutation($p: ID!, $s: Time!, $e: Time!) { appointmentBulkCreate(input: {providerId: $p, startTime: $s, endTime: $e}) { appointments { totalCount } } }`
	span := func(from, to time.Duration) map[string]any {
		return map[string]any{"p": w.providers[0], "s": at(from), "e": at(to)}
	}
	const day = 24 * time.Hour
	return []refusal{
		{
			"held", reserve,
			map[string]any{"c": w.clients[0], "a": w.slots[3]},
			"SLOT_HELD",
			map[string]any{"appointmentId": w.slots[3], "retryAfter": at(time.Hour)},
		},
		{
			"too soon", reserve,
			map[string]any{"c": w.clients[0], "a": w.slots[1]},
			"TOO_SOON",
			map[string]any{"earliestStart": at(day + 45*time.Minute), "timeSlot": at(day + 15*time.Minute)},
		},
		{"taken", reserve, map[string]any{"c": w.clients[0], "a": w.slots[15]}, "SLOT_TAKEN", map[string]any{"appointmentId": w.slots[15]}},
		{"withdrawn", reserve, map[string]any{"c": w.clients[0], "a": w.slots[7]}, "APPOINTMENT_CANCELLED", map[string]any{"appointmentId": w.slots[7]}},
		{
			"hold over", confirm,
			map[string]any{"r": w.reservations[0]},
			"HOLD_EXPIRED",
			map[string]any{"reservationId": w.reservations[0], "expiry": at(30 * time.Minute)},
		},
		{"cancelled", confirm, map[string]any{"r": w.reservations[3]}, "RESERVATION_CANCELLED", map[string]any{"reservationId": w.reservations[3]}},
		{
			"move what is over", move,
			map[string]any{"r": w.reservations[0], "a": w.slots[5]},
			"HOLD_EXPIRED",
			map[string]any{"reservationId": w.reservations[0], "expiry": at(30 * time.Minute)},
		},
		{
			"end before start", open, span(2*day, 2*day-time.Minute), "START_NOT_BEFORE_END",
			map[string]any{"startTime": at(2 * day), "endTime": at(2*day - time.Minute)},
		},
		{
			"no multiple", open, span(2*day, 2*day+50*time.Minute), "NOT_ON_GRID",
			map[string]any{"before": at(2*day + 45*time.Minute), "after": at(2*day + time.Hour), "slotSeconds": 900.0},
		},
		{
			"too long", open, span(2*day, 33*day+15*time.Minute), "RANGE_TOO_LONG",
			map[string]any{"latestEndTime": at(33 * day), "maxDays": 31.0},
		},
		{
			"across open slots", open, span(day+5*time.Minute, day+20*time.Minute), "PROVIDER_BUSY",
			map[string]any{"conflictingAppointmentId": w.slots[0], "timeSlot": at(day), "endsAt": at(day + 15*time.Minute)},
		},
	}
}

func inputErrors(w world) []refusal {
	gone := map[string]string{}
	for _, typ := range []string{"Client", "Provider", "Appointment", "Reservation"} {
		gone[typ] = scalar.FormatID(scalar.FirstID(typ) + 99_999)
	}
	missing := func(typ string) map[string]any { return map[string]any{"type": typ, "id": gone[typ]} }
	field := func(name string) map[string]any { return map[string]any{"field": name} }
	return []refusal{
		{"no such client", reserve, map[string]any{"c": gone["Client"], "a": w.slots[5]}, "NOT_FOUND", missing("Client")},
		{"no such appointment", reserve, map[string]any{"c": w.clients[0], "a": gone["Appointment"]}, "NOT_FOUND", missing("Appointment")},
		{"no such reservation", confirm, map[string]any{"r": gone["Reservation"]}, "NOT_FOUND", missing("Reservation")},
		{"no such reservation to cancel", cancel, map[string]any{"r": gone["Reservation"]}, "NOT_FOUND", missing("Reservation")},
		{"no such appointment to move to", move, map[string]any{"r": w.reservations[2], "a": gone["Appointment"]}, "NOT_FOUND", missing("Appointment")},
		{"no such appointment to withdraw", withdraw, map[string]any{"a": gone["Appointment"]}, "NOT_FOUND", missing("Appointment")},
		{
			"no such provider", `mutation($p: ID!) { providerUpdate(input: {id: $p, firstName: "X"}) { provider { id } } }`,
			map[string]any{"p": gone["Provider"]},
			"NOT_FOUND", missing("Provider"),
		},
		{
			"no such client to delete", `mutation($c: ID!) { clientDelete(input: {id: $c}) { deletedId } }`,
			map[string]any{"c": gone["Client"]},
			"NOT_FOUND", missing("Client"),
		},

		{"id of another type", reserve, map[string]any{"c": w.providers[0], "a": w.slots[5]}, "BAD_USER_INPUT", field("clientId")},
		{"id of another type at the root", `query($i: ID!) { client(id: $i) { id } }`, map[string]any{"i": w.slots[0]}, "BAD_USER_INPUT", field("id")},
		{"no id at all", `{ node(id: "Client:1") { id } }`, nil, "BAD_USER_INPUT", field("id")},
		{"id in a filter", `{ clients(where: {idIn: ["?"]}) { totalCount } }`, nil, "BAD_USER_INPUT", field("idIn")},
		{
			"no instant", `mutation($p: ID!) { appointmentBulkCreate(input: {providerId: $p, startTime: "soon", endTime: "2030-01-01T00:00:00Z"}) { appointments { totalCount } } }`,
			map[string]any{"p": w.providers[0]},
			"BAD_USER_INPUT", field("startTime"),
		},
		{"empty name", `mutation { clientCreate(input: {firstName: "", lastName: "B"}) { client { id } } }`, nil, "BAD_USER_INPUT", field("firstName")},
		{"long name", `mutation { clientCreate(input: {firstName: "A", lastName: "` + strings.Repeat("ü", 101) + `"}) { client { id } } }`, nil, "BAD_USER_INPUT", field("lastName")},
		{"no place", `mutation { providerCreate(input: {firstName: "A", lastName: "B", timeZone: "Local"}) { provider { id } } }`, nil, "BAD_USER_INPUT", field("timeZone")},
		{
			"null for what cannot be", `mutation($c: ID!) { clientUpdate(input: {id: $c, firstName: null}) { client { id } } }`,
			map[string]any{"c": w.clients[0]},
			"BAD_USER_INPUT", field("firstName"),
		},
		{"nothing to create", `mutation { clientBulkCreate(input: {clients: []}) { clients { id } } }`, nil, "BAD_USER_INPUT", field("clients")},
		{"negative page", `{ clients(first: -1) { totalCount } }`, nil, "BAD_USER_INPUT", field("first")},
		{"a page too large", `{ clients(first: 501) { totalCount } }`, nil, "BAD_USER_INPUT", map[string]any{"field": "first", "max": 500.0}},
		{
			"pages too large together", `{ providers(first: 500) { edges { node { clients(first: 500) { edges { node { reservations(last: 2) { edges { cursor } } } } } } } } }`, nil,
			"TOO_COMPLEX",
			map[string]any{"max": 250000.0},
		},
		{"both ends", `{ clients(first: 1, last: 1) { totalCount } }`, nil, "BAD_USER_INPUT", field("last")},
		{"bad cursor", `{ clients(after: "garbage") { totalCount } }`, nil, "BAD_USER_INPUT", field("after")},
		{"bad cursor, nested", `{ providers(first: 1) { edges { node { appointments(after: "garbage") { totalCount } } } } }`, nil, "BAD_USER_INPUT", field("after")},
		{"both ends, nested", `{ providers(first: 1) { edges { node { appointments(first: 1, last: 1) { totalCount } } } } }`, nil, "BAD_USER_INPUT", field("last")},
		{"no such field", `{ nope }`, nil, "GRAPHQL_VALIDATION_FAILED", nil},
		{"no document", `{`, nil, "GRAPHQL_PARSE_FAILED", nil},
	}
}

// documentedCodes are the codes in the tables of docs/errors.md.
func documentedCodes(t *testing.T) (codes []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` ").FindAllStringSubmatch(string(text), -1) {
		codes = append(codes, m[1])
	}
	if len(codes) < 15 {
		t.Fatalf("only %v found", codes)
	}
	return codes
}

// TestClientBusy is apart, as it needs another slot at the same time.
func TestClientBusy(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		client := a.client(t, "Ada", "Nowak")
		start := monday.Add(48 * time.Hour)
		here := a.open(t, a.provider(t, "Mei", "Tanaka"), start, 2)
		there := a.open(t, a.provider(t, "Noah", "Weber"), start.Add(5*time.Minute), 1)
		mine := a.reserve(t, client, here[0])
		checkRefusal(t, a, refusal{
			query: reserve, vars: map[string]any{"c": client, "a": there[0]}, code: "CLIENT_BUSY",
			facts: map[string]any{
				"conflictingReservationId": mine,
				"timeSlot":                 start.Format(time.RFC3339), "endsAt": start.Add(15 * time.Minute).Format(time.RFC3339),
			},
		})
	})
}

// TestInternalErrorsStayInside breaks the database under the API.
func TestInternalErrorsStayInside(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		if err := a.orm.Close(); err != nil {
			t.Fatal(err)
		}
		r := a.run(t, `{ clients { totalCount } }`, nil)
		if r.code() != "INTERNAL" || leaks.MatchString(r.Errors[0].Message) {
			t.Fatalf("%+v", r)
		}
		id, _ := r.Errors[0].Extensions["id"].(string)
		if id == "" || !strings.Contains(a.log.String(), id) || !strings.Contains(a.log.String(), "closed") {
			t.Errorf("id %q is not with its cause in the log:\n%s", id, a.log)
		}
	})
}
