package profiler_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/profiler"
)

const desk = `query Desk {
	availableAppointments(first: 5) { edges { node { provider { lastName } } } }
	clients(first: 4) { edges { node { firstName reservations(first: 3) { edges { node { state } } } } } pageInfo { hasNextPage } }
}`

// A query is one statement, for all of its fields; each field has its rows.
func TestQuery(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d docket) {
		d.ask(t, "/graphql", desk, nil) // prepared from now on
		wants(t, d.page(t, "/debug/requests/"+d.latest(t)), `Statements \| 1`, `2 round trips`, `PREPARE SELECT`, `SELECT`, `\navailableAppointments \| 5`)
		d.ask(t, "/graphql", desk, nil)
		wants(t, d.page(t, "/debug/requests"), `Desk \| [\d.]+ ms \| \| [\d.]+ ms \| 1 \| \d+ \| \d+ B|kB \| anyone`)
		page := d.page(t, "/debug/requests/"+d.latest(t))
		wants(t, page, `query Desk`, `Statements \| 1`, `1 round trip\b`,
			`SELECT .*appointments.*clients|SELECT .*clients.*appointments`, `\navailableAppointments \| 5`, `edges\.node\. ?provider \| 5`, `clients \| 4`, `edges\.node\. ?reservations \| \d+`,
			`Document`, `availableAppointments ?\( ?first ?: 5`)
		if strings.Contains(page, "N+1") {
			t.Errorf("one statement is no N+1:\n%s", page)
		}
	})
}

// What a mutation did is under its field, and what its payload took under that.
func TestMutation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d docket) {
		create := `mutation Two($in: ClientCreateInput!) { a: clientCreate(input: $in) { client { id lastName } } b: clientCreate(input: $in) { client { id } } }`
		for range 3 {
			d.ask(t, "/graphql", create, map[string]any{"in": map[string]any{"firstName": "Ada", "lastName": "Nowak"}})
		}
		page := d.page(t, "/debug/requests/"+d.latest(t))
		wants(t, page, `mutation Two`, `\na \|`, `BEGIN`, `INSERT INTO clients \| 1`, `COMMIT`, `\nclient \| 1`, `SELECT clients`, `\nb \|`, `BEGIN`, `INSERT INTO clients`, `COMMIT`, `\nclient \| 1`, `"lastName" : "Nowak"`)
		if strings.Contains(page, "N+1") || strings.Contains(page, "same again") {
			t.Errorf("two mutations are no N+1:\n%s", page)
		}
	})
}

// What is tried again, in another transaction, is not repeated: others were in
// What was refused is shown with why, though it came to no operation.
func TestRefused(t *testing.T) {
	t.Parallel()
	d := serve(t, "sqlite3", profiler.New(time.Now))
	d.ask(t, "/graphql", `{ nope }`, nil)
	wants(t, d.page(t, "/debug/requests/"+d.latest(t)), `POST /graphql GRAPHQL_VALIDATION_FAILED`, `HTTP 200`, `Cannot query field "nope"`)
	d.send(t, http.MethodPost, "/graphql", "x", "Content-Type", "text/plain")
	wants(t, d.page(t, "/debug/requests"), `POST /graphql HTTP 415`, `POST /graphql GRAPHQL`)
	d.ask(t, "/graphql", `query Late($id: ID!) { client(id: $id) { id } }`, map[string]any{"id": "nonsense"})
	wants(t, d.page(t, "/debug/requests?only=failed&q=late"), `Late BAD_USER_INPUT`)
	wants(t, d.page(t, "/debug/requests?q=nobody"), `None of the 3 operations`)
	if status, _ := d.send(t, http.MethodGet, "/debug/requests/4711", ""); status != http.StatusNotFound {
		t.Errorf("one that never was: %d", status)
	}
}

// The slowest come first, or those with the most statements.
func TestSorts(t *testing.T) {
	t.Parallel()
	d := serve(t, "sqlite3", profiler.New(time.Now))
	d.ask(t, "/naive", `query Many { clients(first: 9) { reservations } }`, nil)
	d.ask(t, "/naive", `query More { clients(first: 20) { reservations } }`, nil)
	d.ask(t, "/naive", `query Few { clients(first: 2) { reservations } }`, nil)
	wants(t, d.page(t, "/debug/requests"), "Few", "More", "Many")
	wants(t, d.page(t, "/debug/requests?sort=statements"), "More", "Many", "Few")
	if status, _ := d.send(t, http.MethodPost, "/debug/requests/clear", ""); status != http.StatusOK {
		t.Errorf("clear: %d", status)
	}
	wants(t, d.page(t, "/debug/requests"), "Nothing was asked yet")
}

// However much is asked, what is kept is bounded.
func TestBounds(t *testing.T) {
	t.Parallel()
	d := serve(t, "sqlite3", profiler.New(time.Now))
	for range 210 {
		d.ask(t, "/naive", `{ flood(n: 1, size: 1) }`, nil)
	}
	wants(t, d.page(t, "/debug/requests"), `All 200 `)
	d.ask(t, "/naive", `query Statements { flood(n: 5000, size: 10) }`, nil)
	wants(t, d.page(t, "/debug/requests/"+d.latest(t)), `Statements \| 5 000`, `4 000 more statements were only counted`)
	for i := range 20 { // 20 MB
		d.ask(t, "/naive", fmt.Sprintf(`query Large%d { flood(n: 100, size: 10000) }`, i), nil)
	}
	list := d.page(t, "/debug/requests")
	if n := strings.Count(list, "Large"); n < 6 || n > 8 {
		t.Errorf("%d operations of a MB are kept", n)
	}
	if strings.Contains(list, "Large0 ") || !strings.Contains(list, "Large19 ") {
		t.Errorf("not the latest are kept:\n%s", list)
	}
	d.ask(t, "/graphql", "query Long { clients { totalCount } } #"+strings.Repeat("x", 500_000), nil)
	if status, body := d.send(t, http.MethodGet, "/debug/requests/"+d.latest(t), ""); status != http.StatusOK || len(body) > 200_000 {
		t.Errorf("a document of 500 kB: %d, %d bytes", status, len(body))
	}
}

// A page that asks again is told that nothing is new.
func TestVersion(t *testing.T) {
	t.Parallel()
	d := serve(t, "sqlite3", profiler.New(time.Now))
	version := func() string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+"/debug/requests", nil)
		must(t, err)
		answer, err := http.DefaultClient.Do(r)
		must(t, err)
		defer answer.Body.Close()
		return answer.Header.Get("Etag")
	}
	first := version()
	if status, body := d.send(t, http.MethodGet, "/debug/requests", "", "If-None-Match", first); status != http.StatusNotModified || body != "" {
		t.Errorf("the same again: %d %q", status, body)
	}
	d.ask(t, "/graphql", desk, nil)
	if status, _ := d.send(t, http.MethodGet, "/debug/requests", "", "If-None-Match", first); status != http.StatusOK || version() == first {
		t.Errorf("after an operation: %d", status)
	}
}

// A profiler that is off is nowhere in the way: what it would wrap, it returns.
func TestOff(t *testing.T) {
	t.Parallel()
	var off *profiler.Profiler
	api := http.NotFoundHandler()
	if got := off.Around(api); fmt.Sprintf("%p", got) != fmt.Sprintf("%p", api) {
		t.Errorf("it wraps the API as %T", got)
	}
	if off.Handler(nil, "") != nil || off.Observers() != nil || off.Reads() != nil {
		t.Error("it serves, or observes")
	}
	for _, name := range dbtest.Dialects() {
		url := dbtest.URL(t, name)
		driverOf := func(p *profiler.Profiler) string {
			db, err := database.Open(url, p.Observers()...)
			must(t, err)
			defer func() { must(t, db.Close()) }()
			conn, err := db.Conn(t.Context())
			must(t, err)
			defer conn.Close()
			var typ string
			must(t, conn.Raw(func(c any) error { typ = fmt.Sprintf("%T", c); return nil }))
			return typ
		}
		if got := driverOf(nil); strings.Contains(got, "observed") {
			t.Errorf("%s: it has connections be %s", name, got)
		}
		if got := driverOf(profiler.New(time.Now)); !strings.Contains(got, "observed") {
			t.Errorf("%s: on, connections are %s", name, got)
		}
	}
	d := serve(t, "sqlite3", nil)
	for _, path := range []string{"/debug/", "/debug/requests", "/debug/pprof/", "/debug/pprof/heap", "/debug/assets/page.js"} {
		if status, _ := d.send(t, http.MethodGet, path, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// Nothing that docket does by itself repeats a statement: what is flagged is
