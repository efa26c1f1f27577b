package gql_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"docket/internal/dbtest"
)

// defect is something that entgql and gqlgen answer wrongly by themselves, each
// reproduced there.
type defect struct {
	name, query, want string
}

// defects are run on the frozen data: four clients of whom Ada Nowak has two
// reservations, Ben Hughes two, Zoë O’Brien one; three providers; 16 slots.
var defects = []defect{
	{
		"edges under an alias", `{ clients(first: 2) { items: edges { node { firstName } } } }`,
		`{"clients":{"items":[{"node":{"firstName":"Ada"}},{"node":{"firstName":"Ben"}}]}}`,
	},
	{
		"edges twice, each with its own fields", `{ clients(first: 1) { e: edges { node { lastName } } edges { node { id } } } }`,
		`{"clients":{"e":[{"node":{"lastName":"Nowak"}}],"edges":[{"node":{"id":"Q2xpZW50OjE="}}]}}`,
	},
	{"totalCount under an alias", `{ clients(first: 2) { n: totalCount edges { node { id } } } }`, `{"clients":{"n":4,"edges":[{"node":{"id":"Q2xpZW50OjE="}},{"node":{"id":"Q2xpZW50OjI="}}]}}`},
	{"one of no ids", `{ clients(where: {idIn: []}) { totalCount } }`, `{"clients":{"totalCount":0}}`},
	{"one of no conditions", `{ clients(where: {or: []}) { totalCount } }`, `{"clients":{"totalCount":0}}`},
	{"related, whatever it is", `{ clients(where: {hasReservationsWith: []}) { totalCount } }`, `{"clients":{"totalCount":3}}`},
	{"not nil, said the other way", `{ reservations(where: {confirmedAtIsNil: false}) { totalCount } }`, `{"reservations":{"totalCount":2}}`},
	{"nil, said the other way", `{ reservations(where: {confirmedAtNotNil: false}) { totalCount } }`, `{"reservations":{"totalCount":3}}`},
	{"no next page", `{ clients(first: 50) { pageInfo { hasNextPage hasPreviousPage } } }`, `{"clients":{"pageInfo":{"hasNextPage":false,"hasPreviousPage":false}}}`},
	{
		"two conditions are about one related row",
		`{ one: clients(where: {hasReservationsWith: [{confirmedAtIsNil: true}, {confirmedAtNotNil: true}]}) { totalCount }
		   two: clients(where: {and: [{hasReservationsWith: [{cancelledAtNotNil: true}]}, {hasReservationsWith: [{cancelledAtIsNil: true}]}]}) { totalCount } }`,
		`{"one":{"totalCount":0},"two":{"totalCount":1}}`,
	},
	{"the complement of what has no value", `{ reservations(where: {not: {confirmedAtGT: "2000-01-01T00:00:00Z"}}) { totalCount } }`, `{"reservations":{"totalCount":3}}`},
	{"case counts, on SQLite too", `{ a: clients(where: {lastNameContains: "NOW"}) { totalCount } b: clients(where: {lastNameContainsFold: "NOW"}) { totalCount } }`, `{"a":{"totalCount":0},"b":{"totalCount":1}}`},
}

func TestDefects(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		a.populate(t)
		for _, d := range defects {
			var got json.RawMessage
			a.must(t, &got, d.query, nil)
			if string(got) != d.want {
				t.Errorf("%s:\n%s\ngot  %s\nwant %s", d.name, d.query, got, d.want)
			}
		}
	})
}

// TestNullableOrder walks along values that are not always there: no row is lost
// where the values end and nothing begins.
func TestNullableOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		a.populate(t)
		for _, direction := range []string{"ASC", "DESC"} {
			connection := fmt.Sprintf(`reservations(%%s, orderBy: {field: CONFIRMED_AT, direction: %s})`, direction)
			for size := 1; size <= 6; size++ {
				forwards, backwards := a.walk(t, connection, size, true), a.walk(t, connection, size, false)
				slices.Reverse(backwards)
				if len(forwards) != 5 || !slices.Equal(forwards, backwards) {
					t.Errorf("%s by %d: %v, and backwards %v", direction, size, forwards, backwards)
				}
			}
		}
	})
}

// TestRelatedOrders pages along what a related row says, and along how many
// related rows there are.
func TestRelatedOrders(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		a.populate(t)
		for _, o := range []struct{ connection, field, order string }{
			{"reservations", "client { lastName }", "CLIENT_LAST_NAME"},
			{"appointments", "provider { lastName }", "PROVIDER_LAST_NAME"},
			{"providers", "reservations { totalCount }", "RESERVATIONS_COUNT"},
		} {
			whole := a.orderedBy(t, o.connection, o.field, o.order)
			if !slices.IsSortedFunc(whole, func(a, b string) int {
				return strings.Compare(a[:strings.LastIndex(a, "#")], b[:strings.LastIndex(b, "#")])
			}) {
				t.Errorf("%s is not in the order %s: %v", o.connection, o.order, whole)
			}
			pages := a.walk(t, fmt.Sprintf(`%s(%%s, orderBy: {field: %s, direction: ASC})`, o.connection, o.order), 2, true)
			for i, row := range whole {
				if id := row[strings.LastIndex(row, "#")+1:]; len(pages) != len(whole) || pages[i] != id {
					t.Fatalf("%s in pages: %v, at once %v", o.order, pages, whole)
				}
			}
		}
	})
}

// orderedBy reads a whole connection in an order: what each row says, and its id.
func (a *api) orderedBy(t *testing.T, connection, field, order string) (rows []string) {
	t.Helper()
	var v struct {
		Page struct {
			Edges []struct{ Node map[string]json.RawMessage }
		}
	}
	a.must(t, &v, fmt.Sprintf(`{ page: %s(orderBy: {field: %s, direction: ASC}) { edges { node { id v: %s } } } }`, connection, order, field), nil)
	for _, e := range v.Page.Edges {
		var id string
		if err := json.Unmarshal(e.Node["id"], &id); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, string(e.Node["v"])+"#"+id)
	}
	return rows
}

// TestCursors checks that a cursor fits its own list and order only, and says
// nothing of its row.
func TestCursors(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		a.populate(t)
		var v struct {
			Clients struct{ PageInfo struct{ EndCursor string } }
		}
		const by = `{ clients(first: 1, orderBy: {field: FIRST_NAME, direction: ASC}) { pageInfo { endCursor } } }`
		a.must(t, &v, by, nil)
		cursor := v.Clients.PageInfo.EndCursor
		if strings.Contains(cursor, "Ada") || strings.Contains(cursor, "QWRh") {
			t.Errorf("the cursor %s tells a name", cursor)
		}
		fits := []string{
			`clients(after: $c, orderBy: {field: FIRST_NAME, direction: ASC}) { totalCount }`,
			`clients(before: $c, where: {firstName: "Ben"}, orderBy: {field: FIRST_NAME, direction: ASC}) { totalCount }`,
			`providers { edges { node { clients(after: $c, orderBy: {field: FIRST_NAME, direction: ASC}) { edges { cursor } } } } }`,
		}
		foreign := []string{
			`clients(after: $c, orderBy: {field: FIRST_NAME, direction: DESC}) { totalCount }`,
			`clients(after: $c, orderBy: {field: LAST_NAME, direction: ASC}) { totalCount }`,
			`clients(after: $c) { totalCount }`,
			`providers(after: $c, orderBy: {field: FIRST_NAME, direction: ASC}) { totalCount }`,
			`providers { edges { node { clients(after: $c) { totalCount } } } }`,
		}
		for _, query := range slices.Concat(fits, foreign) {
			ok := slices.Contains(fits, query)
			r := a.run(t, `query($c: Cursor) { `+query+` }`, map[string]any{"c": cursor})
			if ok != (len(r.Errors) == 0) || !ok && (r.code() != "BAD_USER_INPUT" || r.Errors[0].Extensions["field"] != "after") {
				t.Errorf("%s: %+v", query, r.Errors)
			}
		}
		for i := range cursor {
			changed := cursor[:i] + string(rune(cursor[i]^1)) + cursor[i+1:]
			r := a.run(t, `query($c: Cursor) { clients(after: $c, orderBy: {field: FIRST_NAME, direction: ASC}) { totalCount } }`, map[string]any{"c": changed})
			if r.code() != "BAD_USER_INPUT" {
				t.Errorf("%s, with one bit changed, is %v", changed, r.Data)
			}
		}
	})
}

// TestPagesEnd checks what bounds a page: nobody gets all of a table, and pages
// within pages are bounded together.
func TestPagesEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		provider := a.provider(t, "Mei", "Tanaka")
		a.open(t, provider, monday, 96)
		var v page
		a.must(t, &v, `{ page: appointments { totalCount pageInfo { hasNextPage } edges { node { id } } } }`, nil)
		if len(v.Page.Edges) != 50 || v.Page.TotalCount != 96 || !v.Page.PageInfo.HasNextPage {
			t.Errorf("without first: %d of %d, more: %v", len(v.Page.Edges), v.Page.TotalCount, v.Page.PageInfo.HasNextPage)
		}
		deep := `{firstName: "A"}`
		for range 60 {
			deep = `{not: ` + deep + `}`
		}
		cycle := "id"
		for range 20 {
			cycle = `provider { appointments(first: 1) { edges { node { ` + cycle + ` } } } }`
		}
		wide := map[string]any{"or": slices.Repeat([]any{map[string]any{"firstName": "A"}}, 2000)}
		many := map[string]any{"versionIn": slices.Repeat([]int{1}, 6000)}
		for name, query := range map[string]string{
			"a deep filter":      `{ clients(where: ` + deep + `) { totalCount } }`,
			"a wide filter":      `query($wide: ClientWhereInput) { clients(where: $wide) { totalCount } }`,
			"many values":        `query($many: ClientWhereInput) { clients(where: $many) { totalCount } }`,
			"pages in pages":     `{ providers(first: 500) { edges { node { appointments(first: 500) { edges { node { reservations(first: 500) { edges { node { id } } } } } } } } } }`,
			"round and round":    `{ appointments(first: 1) { edges { node { ` + cycle + ` } } } }`,
			"many lists at once": `{ ` + manyLists(300) + `}`,
		} {
			start := time.Now()
			if r := a.run(t, query, map[string]any{"wide": wide, "many": many}); r.code() != "TOO_COMPLEX" || r.Errors[0].Extensions["max"] == nil {
				t.Errorf("%s: %+v %.200s", name, r.Errors, r.Data)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%s took %v to refuse", name, took)
			}
		}
	})
}

func manyLists(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "a%d: clients(first: 1) { totalCount } ", i)
	}
	return all.String()
}

// TestExtraRow checks that the row that shows that there is a next page costs
// nothing but itself.
func TestExtraRow(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, counted := serveCounted(t, dbtest.Open(t, name))
			a.populate(t)
			got := counted.during(func() {
				a.must(t, nil, `{ providers(first: 2) { pageInfo { hasNextPage } edges { node { appointments(first: 1) { totalCount edges { node { id } } } } } } }`, nil)
			})
			if len(got) != 1 || strings.Count(got[0].query, "CASE WHEN") != 2 {
				t.Errorf("what is below a row is read whether it is on the page or not:\n%s", queries(got))
			}
		})
	}
}
