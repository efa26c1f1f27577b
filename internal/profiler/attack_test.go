package profiler_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"docket/internal/profiler"
)

// Whatever shows data, or does something, is for this machine and its own pages.
func TestStrangers(t *testing.T) {
	t.Parallel()
	d := serve(t, "sqlite3", profiler.New(time.Now))
	d.ask(t, "/naive", `query Secret { clients(first: 1) { reservations } }`, nil)
	id := d.latest(t)
	explain := "/debug/requests/" + id + "/statements/1/explain"
	const own = "localhost:8080"
	for name, r := range map[string]struct {
		remote, host string
		headers      []string
		answered     bool
	}{
		"this machine":                  {"127.0.0.1:5000", own, nil, true},
		"over IPv6":                     {"[::1]:5000", "[::1]:8080", nil, true},
		"by its address":                {"127.0.0.1:5000", "127.0.0.1", nil, true},
		"in both families":              {"[::ffff:127.0.0.1]:5000", own, nil, true},
		"its own page":                  {"127.0.0.1:5000", own, []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://" + own}, true},
		"typed by hand":                 {"127.0.0.1:5000", own, []string{"Sec-Fetch-Site", "none"}, true},
		"another machine":               {"192.0.2.7:5000", own, nil, false},
		"another one, over IPv6":        {"[2001:db8::7]:5000", own, nil, false},
		"nobody knows who":              {"@", own, nil, false},
		"a name that leads here":        {"127.0.0.1:5000", "evil.example:8080", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://evil.example:8080"}, false},
		"a name like localhost":         {"127.0.0.1:5000", "localhost.evil.example", nil, false},
		"a name like an address":        {"127.0.0.1:5000", "127.0.0.1.evil.example", nil, false},
		"no name":                       {"127.0.0.1:5000", "", nil, false},
		"the server's other name":       {"127.0.0.1:5000", "docket.example", nil, false},
		"through a proxy":               {"127.0.0.1:5000", own, []string{"X-Forwarded-For", "192.0.2.7"}, false},
		"through one that hides":        {"127.0.0.1:5000", own, []string{"X-Forwarded-For", ""}, false},
		"through one by the book":       {"127.0.0.1:5000", own, []string{"Forwarded", "for=192.0.2.7"}, false},
		"through a cache":               {"127.0.0.1:5000", own, []string{"Via", "1.1 cache"}, false},
		"through one, which says whose": {"127.0.0.1:5000", own, []string{"X-Real-Ip", "127.0.0.1"}, false},
		"a page of another site":        {"127.0.0.1:5000", own, []string{"Sec-Fetch-Site", "cross-site"}, false},
		"a page of another port":        {"127.0.0.1:5000", own, []string{"Sec-Fetch-Site", "same-site"}, false},
		"an old browser's other page":   {"127.0.0.1:5000", own, []string{"Origin", "http://localhost:3000"}, false},
		"an origin that may read":       {"127.0.0.1:5000", own, []string{"Origin", "https://app.example"}, false},
		"a page in a file":              {"127.0.0.1:5000", own, []string{"Origin", "null"}, false},
	} {
		for _, at := range []string{"GET /debug/requests", "GET /debug/requests/" + id, "POST " + explain, "GET /debug/pprof/", "GET /debug/pprof/goroutine?debug=1", "GET /debug/assets/page.js"} {
			method, path, _ := strings.Cut(at, " ")
			request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
			request.RemoteAddr, request.Host = r.remote, r.host
			for i := 0; i < len(r.headers); i += 2 {
				request.Header.Set(r.headers[i], r.headers[i+1])
			}
			w := httptest.NewRecorder()
			d.Config.Handler.ServeHTTP(w, request)
			if answered := w.Code == http.StatusOK; answered != r.answered {
				t.Errorf("%s: %s: %d %.80q", name, at, w.Code, w.Body)
			}
			if !r.answered && (strings.Contains(w.Body.String(), "Secret") || w.Header().Get("Access-Control-Allow-Origin") != "" && w.Code == http.StatusOK) {
				t.Errorf("%s: %s: is told %q, %v", name, at, w.Body, w.Header())
			}
		}
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/debug/requests/clear", nil)
	request.RemoteAddr, request.Host = "127.0.0.1:5000", own
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	d.Config.Handler.ServeHTTP(httptest.NewRecorder(), request)
	if d.latest(t) != id {
		t.Error("another site has cleared the list")
	}
}

// Pages show what they are sent, and run none of it.
func TestMarkup(t *testing.T) {
	t.Parallel()
	d := serve(t, "sqlite3", profiler.New(time.Now))
	const evil = `<script>alert(1)</script>`
	d.ask(t, "/graphql", `mutation M($in: ClientCreateInput!) { clientCreate(input: $in) { client { id } } }`, map[string]any{"in": map[string]any{"firstName": evil, "lastName": `"><img src=x onerror=alert(1)>`}})
	created := d.latest(t)
	d.ask(t, "/graphql", `query Q($id: ID!) { client(id: $id) { id } } #`+evil, map[string]any{"id": evil})
	asked := d.latest(t)
	d.ask(t, "/graphql", `{ nope(where: "`+evil+`") }`, nil)
	d.send(t, http.MethodPost, "/graphql/"+evil, "")
	for _, path := range []string{"/debug/requests", "/debug/requests?q=" + `%22%3E%3Cscript%3Ealert(1)%3C/script%3E` + "&only=%22%3E%3Cscript%3E&sort=%22%3E", "/debug/requests/" + created, "/debug/requests/" + asked, "/debug/requests/" + d.latest(t)} {
		status, body := d.send(t, http.MethodGet, path, "")
		if status != http.StatusOK || strings.Contains(body, "<script>") || strings.Contains(body, "<img src=x") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+"/debug/requests", nil)
	must(t, err)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	policy := answer.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") {
		t.Errorf("a page may load %q", policy)
	}
	for field, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := answer.Header.Get(field); got != want {
			t.Errorf("%s is %q", field, got)
		}
	}
}

// Only what was seen is explained: a request has nothing that could be run.
func TestOnlyTheSeenIsExplained(t *testing.T) {
	t.Parallel()
	d := serve(t, "sqlite3", profiler.New(time.Now))
	d.ask(t, "/graphql", `mutation { clientCreate(input: {firstName: "A", lastName: "B"}) { client { id } } }`, nil)
	id := d.latest(t)
	for _, path := range []string{id + "/statements/0", id + "/statements/99", id + "/statements/-1", id + "/statements/x", id + "/statements/1", "99/statements/1", "x/statements/1"} { // the first is BEGIN
		if status, body := d.send(t, http.MethodPost, "/debug/requests/"+path+"/explain", "statement=SELECT+1&sql=SELECT+1", "Content-Type", "application/x-www-form-urlencoded"); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := d.send(t, http.MethodGet, "/debug/requests/"+id+"/statements/3/explain", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("by GET: %d", status)
	}
	for _, path := range []string{"cmdline", "nope", "../requests"} { // the first has settings
		if status, _ := d.send(t, http.MethodGet, "/debug/pprof/"+path, ""); path != "../requests" && status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// What is explained changes nothing, whatever its text holds.
func TestExplainingChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d docket) {
		count := func() (n int) {
			must(t, d.db.QueryRowContext(t.Context(), "SELECT count(*) FROM reservations WHERE state <> 'CANCELLED'").Scan(&n))
			return n
		}
		before := count()
		for i, text := range []string{
			"DELETE FROM reservations", "WITH x AS (SELECT 1) DELETE FROM reservations",
			"SELECT 1; DELETE FROM reservations", "SELECT 1; COMMIT; DELETE FROM reservations", "SELECT 1; COMMIT; BEGIN READ WRITE; DELETE FROM reservations; COMMIT", "SELECT 1); DELETE FROM reservations; --",
			"WITH gone AS (DELETE FROM reservations RETURNING 1) SELECT count(*) FROM gone", // of PostgreSQL
			"UPDATE reservations SET state = 'CANCELLED'", "SELECT id FROM reservations FOR UPDATE",
		} {
			d.ask(t, "/naive", `query($texts: [String!]!) { saw(texts: $texts) }`, map[string]any{"texts": []string{text}})
			status, plan := d.send(t, http.MethodPost, "/debug/requests/"+d.latest(t)+"/statements/1/explain", "")
			if status != http.StatusOK {
				t.Errorf("%d: %d %s", i, status, plan)
			}
			if after := count(); after != before {
				t.Fatalf("%q was run: %d of %d are left\n%s", text, after, before, plan)
			}
		}
		// The connections are as they were: one can write.
		for range 20 {
			if answer := d.ask(t, "/graphql", `mutation { clientCreate(input: {firstName: "A", lastName: "B"}) { client { id } } }`, nil); strings.Contains(answer, "errors") {
				t.Fatal(answer)
			}
		}
	})
}

// A plan tells which index is used, and on PostgreSQL how long it took.
func TestExplain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d docket) {
		explain := func() string {
			status, plan := d.send(t, http.MethodPost, fmt.Sprintf("/debug/requests/%s/statements/%d/explain", d.latest(t), 1), "")
			if status != http.StatusOK {
				t.Fatal(status, plan)
			}
			return plan
		}
		postgres := d.db.Dialect == "postgres"
		d.ask(t, "/naive", `{ clients(first: 7) { id } }`, nil)
		plan := explain()
		if postgres {
			wants(t, plan, `Limit .*actual time=.*rows=7`, `Execution Time`)
		} else {
			wants(t, plan, `SCAN clients`)
		}
		for range 2 { // the second time it is prepared already
			d.ask(t, "/graphql", `query($id: ID!) { client(id: $id) { lastName } }`, map[string]any{"id": "Q2xpZW50OjE="})
		}
		if plan = explain(); postgres {
			wants(t, plan, `Index Scan using clients_pkey .*actual time=`, `Index Cond: \(id = \$1\)`, `Execution Time`)
		} else {
			wants(t, plan, `SEARCH t1 USING INTEGER PRIMARY KEY`)
		}
		d.ask(t, "/naive", `query($texts: [String!]!) { saw(texts: $texts) }`, map[string]any{"texts": []string{"DELETE FROM reservations"}})
		if plan = explain(); postgres {
			wants(t, plan, `these are estimates`, `Delete on reservations`)
			if strings.Contains(plan, "actual") {
				t.Errorf("it was run: %s", plan)
			}
		}
		if postgres {
			d.ask(t, "/naive", `query($texts: [String!]!) { saw(texts: $texts) }`, map[string]any{"texts": []string{"SELECT pg_sleep(60)"}})
			wants(t, explain(), `The database would not: .*statement timeout`)
		}
	})
}
