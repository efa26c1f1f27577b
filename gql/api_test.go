package gql_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"docket/ent/orm"
	"docket/gql"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/idempotency"
	"docket/internal/planner"
	"docket/internal/viewer"
)

// monday is when the frozen clock of these tests stands.
var monday = time.Date(2030, 1, 7, 8, 0, 0, 0, time.UTC)

// api is a served API with a clock that only the test moves.
type api struct {
	url     string
	who     viewer.Viewer
	handler http.Handler
	orm     *orm.Client
	clock   *clock
	log     *bytes.Buffer
}

type clock struct {
	mu  sync.Mutex
	now time.Time
	// slow is how long reading takes. The gate reads between looking and writing,
	// so whoever no lock keeps out comes in between.
	slow time.Duration
}

func (c *clock) Now() time.Time {
	time.Sleep(c.slow)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// each serves an empty API on every database.
func each(t *testing.T, test func(t *testing.T, a *api)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(t, serve(t, db)) })
}

// cursors are the same in all tests, so that answers are.
func cursors(t testing.TB) *planner.Cursors {
	t.Helper()
	c, err := planner.NewCursors([]byte("of the tests, for the tests"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t testing.TB, db *database.DB) *api {
	t.Helper()
	return serveWith(t, gql.Config{DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect})
}

// serveWith completes a configuration and serves it, with a schema that is told.
func serveWith(t testing.TB, c gql.Config) *api {
	t.Helper()
	c.Introspection = true
	return serveAs(t, c)
}

// serveAs completes a configuration and serves it.
func serveAs(t testing.TB, c gql.Config) *api {
	t.Helper()
	a := &api{who: viewer.Local(), orm: c.DB, clock: &clock{now: monday}, log: &bytes.Buffer{}}
	c.Rules, c.Limits, c.Cursors = booking.DefaultRules(), cmp.Or(c.Limits, planner.DefaultLimits()), cursors(t)
	c.Keys = idempotency.Keys{Keep: 24 * time.Hour}
	c.Clock, c.Log = a.clock.Now, slog.New(slog.NewTextHandler(a.log, nil))
	handler, err := gql.NewHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	a.handler = acting(handler)
	s := httptest.NewServer(a.handler)
	t.Cleanup(s.Close)
	a.url = s.URL
	return a
}

// acting has each request be from the viewer that it tells; from one who may do
// anything, if it tells none.
func acting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := viewer.Local()
		if told := r.Header.Values("Subject"); told != nil {
			who = viewer.Viewer{GivenName: r.Header.Get("Given-Name"), FamilyName: r.Header.Get("Family-Name")}
			who.Subject, _ = url.QueryUnescape(told[0])
			for _, role := range r.Header.Values("Role") {
				who.Roles = append(who.Roles, viewer.Role(role))
			}
		}
		who.Handler(next).ServeHTTP(w, r)
	})
}

// as is the API as the viewer has it.
func (a *api) as(who viewer.Viewer) *api {
	one := *a
	one.who = who
	return &one
}

// admin is the API as an admin has it.
func (a *api) admin(subject string) *api {
	return a.as(viewer.Viewer{Subject: subject, Roles: []viewer.Role{viewer.Admin}})
}

type response struct {
	Data   json.RawMessage
	Errors []gqlError
}

type gqlError struct {
	Message    string
	Path       []any
	Extensions map[string]any
}

func (r response) code() any {
	if len(r.Errors) == 0 {
		return nil
	}
	return r.Errors[0].Extensions["code"]
}

// run performs an operation, whatever comes of it.
func (a *api) run(t testing.TB, query string, vars map[string]any) (r response) {
	t.Helper()
	if err := json.Unmarshal(a.post(t, query, vars), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func (a *api) post(t testing.TB, query string, vars map[string]any) []byte {
	t.Helper()
	return a.send(t, map[string]any{"query": query, "variables": vars})
}

// named performs one of the operations of a document, which succeeds.
func (a *api) named(t testing.TB, document, name string) {
	t.Helper()
	var r response
	if err := json.Unmarshal(a.send(t, map[string]any{"query": document, "operationName": name}), &r); err != nil || len(r.Errors) > 0 {
		t.Fatalf("%s: %v %+v", name, err, r.Errors)
	}
}

func (a *api) send(t testing.TB, request map[string]any) []byte {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Subject", url.QueryEscape(a.who.Subject))
	req.Header.Set("Given-Name", a.who.GivenName)
	req.Header.Set("Family-Name", a.who.FamilyName)
	for _, r := range a.who.Roles {
		req.Header.Add("Role", string(r))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// must performs an operation that succeeds, and reads its data into v.
func (a *api) must(t testing.TB, v any, query string, vars map[string]any) {
	t.Helper()
	r := a.run(t, query, vars)
	if len(r.Errors) > 0 {
		t.Fatalf("%s\n%+v", query, r.Errors)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal(r.Data, v); err != nil {
		t.Fatalf("%v in %s", err, r.Data)
	}
}

type node struct{ ID string }

func (a *api) client(t testing.TB, first, last string) string {
	t.Helper()
	var v struct{ ClientCreate struct{ Client node } }
	a.must(t, &v, `mutation($f: String!, $l: String!) { clientCreate(input: {firstName: $f, lastName: $l}) { client { id } } }`,
		map[string]any{"f": first, "l": last})
	return v.ClientCreate.Client.ID
}

func (a *api) provider(t testing.TB, first, last string) string {
	t.Helper()
	var v struct{ ProviderCreate struct{ Provider node } }
	a.must(t, &v, `mutation($f: String!, $l: String!) { providerCreate(input: {firstName: $f, lastName: $l}) { provider { id } } }`,
		map[string]any{"f": first, "l": last})
	return v.ProviderCreate.Provider.ID
}

// open opens n slots of a provider and returns the ids of the appointments.
func (a *api) open(t testing.TB, provider string, start time.Time, n int) (ids []string) {
	t.Helper()
	var v struct {
		AppointmentBulkCreate struct {
			Appointments struct{ Edges []struct{ Node node } }
		}
	}
	a.must(t, &v, `mutation($p: ID!, $s: Time!, $e: Time!) {
		appointmentBulkCreate(input: {providerId: $p, startTime: $s, endTime: $e}) { appointments { edges { node { id } } } } }`,
		map[string]any{"p": provider, "s": start, "e": start.Add(time.Duration(n) * 15 * time.Minute)})
	for _, e := range v.AppointmentBulkCreate.Appointments.Edges {
		ids = append(ids, e.Node.ID)
	}
	return ids
}

const (
	reserve = `mutation($c: ID!, $a: ID!) { reservationCreate(input: {clientId: $c, appointmentId: $a}) {
		reservation { id expiry expired confirmed state client { id firstName lastName } provider { id firstName lastName }
			appointment { id timeSlot } } } }`
	confirm = `mutation($r: ID!) { reservationConfirm(input: {reservationId: $r}) { reservation { id confirmed state } } }`
	cancel  = `mutation($r: ID!) { reservationCancel(input: {reservationId: $r}) { reservation { id confirmed state } } }`
	move    = `mutation($r: ID!, $a: ID!) { reservationReschedule(input: {reservationId: $r, appointmentId: $a}) {
		reservation { id state appointment { id } } } }`
	withdraw = `mutation($a: ID!) { appointmentCancel(input: {appointmentId: $a}) { appointment { id status reservations { edges { node { state } } } } } }`
)

func (a *api) reserve(t testing.TB, client, appointment string) string {
	t.Helper()
	var v struct{ ReservationCreate struct{ Reservation node } }
	a.must(t, &v, reserve, map[string]any{"c": client, "a": appointment})
	return v.ReservationCreate.Reservation.ID
}

func (a *api) confirm(t testing.TB, reservation string) {
	t.Helper()
	a.must(t, nil, confirm, map[string]any{"r": reservation})
}

// world is the frozen data of the golden queries.
type world struct {
	clients, providers, slots, reservations []string
}

// populate makes the world: three providers, four clients, and of the first
// provider's slots one confirmed, one held, one whose hold expired, one
// cancelled reservation and one withdrawn slot.
func (a *api) populate(t testing.TB) (w world) {
	t.Helper()
	for _, name := range [][2]string{{"Ada", "Nowak"}, {"Ben", "Hughes"}, {"Zoë", "O’Brien"}, {"Ada", "Yılmaz"}} {
		w.clients = append(w.clients, a.client(t, name[0], name[1]))
	}
	for _, name := range [][2]string{{"Mei", "Tanaka"}, {"Noah", "Weber"}, {"Grace", "Bennett"}} {
		w.providers = append(w.providers, a.provider(t, name[0], name[1]))
	}
	w.slots = a.open(t, w.providers[0], monday.Add(24*time.Hour), 8)
	w.slots = append(w.slots, a.open(t, w.providers[1], monday.Add(23*time.Hour), 8)...)

	stale := a.reserve(t, w.clients[0], w.slots[0])
	a.clock.Set(monday.Add(30 * time.Minute)) // the hold ends
	confirmed := a.reserve(t, w.clients[1], w.slots[2])
	a.confirm(t, confirmed)
	held := a.reserve(t, w.clients[2], w.slots[3])
	let := a.reserve(t, w.clients[0], w.slots[4])
	a.must(t, nil, cancel, map[string]any{"r": let})
	again := a.reserve(t, w.clients[1], w.slots[15])
	a.confirm(t, again)
	a.must(t, nil, withdraw, map[string]any{"a": w.slots[7]})
	a.clock.Set(monday.Add(45 * time.Minute))
	w.reservations = []string{stale, confirmed, held, let, again}
	return w
}
