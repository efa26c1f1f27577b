package gql_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/gql"
	"docket/internal/dbtest"
	"docket/internal/planner"
)

// told is what an operation costs, as it is told who asks.
type told map[string]int

func (a *api) cost(t *testing.T, query string, vars map[string]any) (cost told, code any) {
	t.Helper()
	var r struct {
		response
		Extensions struct{ Cost told }
	}
	if err := json.Unmarshal(a.send(t, map[string]any{"query": query, "variables": vars, "extensions": map[string]any{"cost": true}}), &r); err != nil {
		t.Fatal(err)
	}
	return r.Extensions.Cost, r.code()
}

// TestCost checks what operations cost: what their pages may have, whatever is
// in the database.
func TestCost(t *testing.T) {
	t.Parallel()
	a := serve(t, dbtest.Open(t, dialect.SQLite))
	provider := a.provider(t, "Mei", "Tanaka")
	entries := func(n int) map[string]any {
		return map[string]any{"e": slices.Repeat([]any{map[string]any{"firstName": "A", "lastName": "B"}}, n)}
	}
	open := func(slots int) map[string]any {
		return map[string]any{"p": provider, "s": monday.Format(time.RFC3339), "e": monday.Add(time.Duration(slots) * 15 * time.Minute).Format(time.RFC3339)}
	}
	const bulk = `mutation($e: [ClientBulkCreateEntry!]!) { clientBulkCreate(input: {clients: $e}) { clients { id lastName } } }`
	for _, test := range []struct {
		name, query string
		vars        map[string]any
		// rows, values, conditions, writes
		want [4]int
	}{
		{"nothing", `{ __typename }`, nil, [4]int{}},
		{"a row", `{ client(id: "x") { id } }`, nil, [4]int{}}, // the id is refused before
		{"a page", `{ clients(first: 20) { edges { node { id firstName } } } }`, nil, [4]int{20, 20 * 3, 0, 0}},
		{"the usual page", `{ clients { edges { cursor } } }`, nil, [4]int{50, 50, 0, 0}},
		{"a page in a page", `{ providers(first: 10) { edges { node { appointments(first: 5) { edges { cursor } } } } } }`, nil, [4]int{60, 10*3 + 50*1, 0, 0}},
		{"a filter", `{ clients(first: 1, where: {firstName: "A", or: [{lastName: "B"}, {lastName: "C"}]}) { edges { cursor } } }`, nil, [4]int{1, 1, 4, 0}},
		{"a filter below rows", `{ providers(first: 10) { edges { node { appointments(first: 1, where: {status: OPEN}) { totalCount } } } } }`, nil, [4]int{20, 10 * 3, 20, 0}},
		{"a filter of related rows", `{ clients(first: 1, where: {hasReservationsWith: [{hasAppointment: true}]}) { edges { cursor } } }`, nil, [4]int{1, 1, 10, 0}},
		{"a count", `{ clients { totalCount } }`, nil, [4]int{1, 0, 1, 0}},
		{"a write", `mutation { clientCreate(input: {firstName: "A", lastName: "B"}) { client { id lastName } } }`, nil, [4]int{1, 2, 0, 1}},
		{"two writes", `mutation($e: [ClientBulkCreateEntry!]!) { a: clientBulkCreate(input: {clients: $e}) { clients { id } } b: clientBulkCreate(input: {clients: [{firstName: "A", lastName: "B"}]}) { clients { id } } }`, entries(9), [4]int{10, 10, 0, 10}},
		{"a bulk", bulk, entries(100), [4]int{100, 200, 0, 100}},
		{"a range", `mutation($p: ID!, $s: Time!, $e: Time!) { appointmentBulkCreate(input: {providerId: $p, startTime: $s, endTime: $e}) { appointments(first: 2) { edges { cursor } } } }`, open(40), [4]int{2, 2, 0, 40}},
	} {
		got, code := a.cost(t, test.query, test.vars)
		if code != nil && test.name != "a row" {
			t.Errorf("%s: %v", test.name, code)
		}
		w := test.want
		want := told{"rows": w[0], "values": w[1], "conditions": w[2], "writes": w[3], "limit": 500_000, "requested": 1 + w[0] + w[1] + 10*w[2] + 10*w[3]}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", test.name, got, want)
		}
	}
	if text := string(a.post(t, `{ __typename }`, nil)); strings.Contains(text, "cost") {
		t.Errorf("nobody asked for the cost: %s", text)
	}
	_, text := send(t, "GET", a.url+"?query={clients{totalCount}}&extensions="+url.QueryEscape(`{"cost":true}`), "", "")
	if !strings.Contains(text, `"requested":12`) {
		t.Errorf("by GET: %s", text)
	}
}

// TestCostIsBounded checks that what costs too much is refused before anything is
// read or written.
func TestCostIsBounded(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	limits := planner.DefaultLimits()
	limits.Cost = 1000
	a := serveWith(t, gql.Config{DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, Limits: limits})
	provider := a.provider(t, "Mei", "Tanaka")
	var bulk strings.Builder
	for i := range 20 {
		fmt.Fprintf(&bulk, `a%d: clientBulkCreate(input: {clients: [{firstName: "A", lastName: "B"}, {firstName: "A", lastName: "B"}, {firstName: "A", lastName: "B"}, {firstName: "A", lastName: "B"}, {firstName: "A", lastName: "B"}]}) { clients { id } } `, i)
	}
	for name, query := range map[string]string{
		"pages":                      `{ clients(first: 500) { edges { node { id } } } }`,
		"pages beside what is wrong": `{ wrong: clients(first: -1) { totalCount } clients(first: 500) { edges { node { id } } } }`,
		"conditions":                 `{ providers(first: 50) { edges { node { appointments(first: 1, where: {status: OPEN, timeSlotGT: "2030-01-01T00:00:00Z"}) { totalCount } } } } }`,
		"bulks together":             `mutation { ` + bulk.String() + ` }`,
		"a range of slots":           `mutation { appointmentBulkCreate(input: {providerId: "` + provider + `", startTime: "2030-01-07T08:00:00Z", endTime: "2030-01-09T08:00:00Z"}) { appointments { totalCount } } }`,
		"a fragment over and over": `{ a: clients { ...f } b: clients { ...f } c: clients { ...f } d: clients { ...f } e: clients { ...f } f: clients { ...f } g: clients { ...f } }
			fragment f on ClientConnection { edges { node { id } } }`,
	} {
		r := a.run(t, query, nil)
		if len(r.Errors) == 0 {
			t.Errorf("%s: %.200s", name, r.Data)
			continue
		}
		refused := r.Errors[len(r.Errors)-1].Extensions
		requested, _ := refused["requested"].(float64)
		if refused["code"] != "TOO_COMPLEX" || refused["max"] != 1000.0 || requested <= 1000 {
			t.Errorf("%s: %+v %s", name, r.Errors, r.Data)
		}
		if cost, _ := a.cost(t, query, nil); cost["requested"] != int(requested) || cost["limit"] != 1000 {
			t.Errorf("%s: is told %v, and refused for %v", name, cost, requested)
		}
	}
	var v page
	if a.must(t, &v, `{ page: clients { totalCount } }`, nil); v.Page.TotalCount != 0 {
		t.Errorf("%d clients were created", v.Page.TotalCount)
	}
}

// TestFragmentsMultiply sends documents whose fragments make 2^30 fields.
func TestFragmentsMultiply(t *testing.T) {
	t.Parallel()
	a := serve(t, dbtest.Open(t, dialect.SQLite))
	chain := func(typ, root, step, last string) string {
		text := "{ " + strings.ReplaceAll(root, "#", "0") + " }"
		for i := range 30 {
			text += fmt.Sprintf(" fragment f%d on %s { %s }", i, typ, strings.ReplaceAll(step, "#", fmt.Sprint(i+1)))
		}
		return text + fmt.Sprintf(" fragment f30 on %s { %s }", typ, last)
	}
	for name, query := range map[string]string{
		"at the root":     chain("Query", "...f#", "...f# ...f#", "__typename"),
		"below rows":      chain("Client", `node(id: "x") { ...f# }`, "reservations { edges { node { client { ...f# } } } } r: reservations { edges { node { client { ...f# } } } }", "id"),
		"without a level": chain("Query", "...f#", "... { ...f# } ... { ...f# }", "a: __typename b: __typename"),
		"roots in roots":  chain("Client", `client(id: "x") { ...f# }`, "a: id ...f# b: id ...f#", "id"),
	} {
		began := time.Now()
		r := a.run(t, query, nil)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s takes %v", name, took)
		}
		if code := r.code(); code != "TOO_COMPLEX" && code != "BAD_USER_INPUT" {
			t.Errorf("%s: %.200v %.200s", name, r.Errors, r.Data)
		}
	}
}
