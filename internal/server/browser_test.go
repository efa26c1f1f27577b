package server_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/gql"
	"docket/internal/booking"
	"docket/internal/dbtest"
	"docket/internal/graphiql"
	"docket/internal/idempotency"
	"docket/internal/planner"
	"docket/internal/server"
	"docket/internal/viewer"
)

const (
	create = `{"query":"mutation { clientCreate(input: {firstName: \"A\", lastName: \"B\"}) { client { id } } }"}`
	count  = `{"query":"{ clients { totalCount } }"}`
)

// complete is a server as docket runs it, over an empty database.
func complete(t *testing.T) *server.Server {
	t.Helper()
	return served(t, slog.New(slog.DiscardHandler), true)
}

func served(t testing.TB, log *slog.Logger, introspection bool) *server.Server {
	t.Helper()
	db := dbtest.Open(t, dialect.SQLite)
	cursors, err := planner.NewCursors([]byte("of the tests, for the tests"))
	must(t, err)
	api, err := gql.NewHandler(gql.Config{
		DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, Rules: booking.DefaultRules(), Limits: planner.DefaultLimits(), Cursors: cursors,
		Keys: idempotency.Keys{Keep: time.Hour}, Clock: time.Now, Log: log, Introspection: introspection,
	})
	must(t, err)
	return &server.Server{API: viewer.Local().Handler(api), Ready: db.PingContext, Timeout: 30 * time.Second, Log: log}
}

// request is one that a browser sends by itself, or a program.
func request(t *testing.T, method, target, body string, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	return r
}

func answer(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Every answer tells browsers to make nothing of it but what it is.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := complete(t)
	s.GraphiQL, s.Hosts = true, []string{"example.com"}
	h := s.Handler()
	for name, r := range map[string]*http.Request{
		"not ours":   request(t, "GET", "http://other.example/graphql", ""),
		"post":       request(t, "POST", "/graphql", count, "Content-Type", "application/json"),
		"get":        request(t, "GET", "/graphql?query={__typename}", ""),
		"no GraphQL": request(t, "POST", "/graphql", "x", "Content-Type", "text/plain"),
		"delete":     request(t, "DELETE", "/graphql", ""),
		"the page":   request(t, "GET", "/graphql", "", "Accept", "text/html"),
		"its files":  request(t, "GET", graphiql.AssetsPath+"licenses.md", ""),
		"health":     request(t, "GET", "/healthz", ""),
		"ready":      request(t, "GET", "/readyz", ""),
		"nothing":    request(t, "GET", "/nothing", ""),
		"elsewhere":  request(t, "GET", "/", ""),
		"preflight":  request(t, "OPTIONS", "/graphql", "", "Origin", "https://a.example", "Access-Control-Request-Method", "POST"),
	} {
		header := answer(h, r).Header()
		for field, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "", "Cache-Control": "no-",
			"Content-Security-Policy": "frame-ancestors 'none'",
		} {
			if got := header.Get(field); got == "" || !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q, want %q", name, field, got, want)
			}
		}
		if got := header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'") {
			t.Errorf("%s: it may load %q", name, got)
		}
		if header.Get("Access-Control-Allow-Origin") != "" || header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: shared with %v", name, header)
		}
	}
}

// Pages of configured origins may read and send, and no others.
func TestSharing(t *testing.T) {
	t.Parallel()
	s := complete(t)
	s.Origins = []string{"https://app.example", "http://localhost:3000"}
	h := s.Handler()
	for origin, shared := range map[string]bool{
		"https://app.example": true, "http://localhost:3000": true,
		"https://app.example:444": false, "http://app.example": false, "https://app.example.evil.example": false,
		"https://evil.example": false, "null": false, "https://sub.app.example": false, "*": false,
	} {
		preflight := answer(h, request(t, "OPTIONS", "/graphql", "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type"))
		post := answer(h, request(t, "POST", "/graphql", count, "Content-Type", "application/json", "Origin", origin, "Sec-Fetch-Site", "cross-site"))
		get := answer(h, request(t, "GET", "/graphql?query={__typename}", "", "Origin", origin, "Sec-Fetch-Site", "cross-site"))
		want, status := "", http.StatusForbidden
		if shared {
			want, status = origin, http.StatusOK
		}
		for name, w := range map[string]*httptest.ResponseRecorder{"preflight": preflight, "post": post, "get": get} {
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != want || w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s: is shared with %q", name, origin, got)
			}
			if !slices.ContainsFunc(w.Header().Values("Vary"), func(v string) bool { return strings.Contains(v, "Origin") }) {
				t.Errorf("%s from %s: a cache could give it to others: %v", name, origin, w.Header())
			}
		}
		if post.Code != status {
			t.Errorf("post from %s: %d, want %d", origin, post.Code, status)
		}
		if got := preflight.Header().Get("Access-Control-Allow-Headers"); shared != strings.Contains(got, "authorization") {
			t.Errorf("preflight from %s: may send %q", origin, got)
		}
	}
}

// Requests that a browser sends for any site without asking first do nothing.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	h := complete(t).Handler()
	const mutation = "mutation%7BclientCreate(input:%7BfirstName:%22A%22,lastName:%22B%22%7D)%7Bclient%7Bid%7D%7D%7D"
	for name, r := range map[string]struct {
		request *http.Request
		status  int
	}{
		"a form":                   {request(t, "POST", "/graphql", "query="+mutation, "Content-Type", "application/x-www-form-urlencoded"), 415},
		"a form of text":           {request(t, "POST", "/graphql", create, "Content-Type", "text/plain"), 415},
		"a form of parts":          {request(t, "POST", "/graphql", "--x\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\n{}\r\n--x--", "Content-Type", "multipart/form-data; boundary=x"), 415},
		"a type that contains it":  {request(t, "POST", "/graphql", create, "Content-Type", "text/plain; application/json"), 415},
		"no type":                  {request(t, "POST", "/graphql", create), 415},
		"a form's query":           {request(t, "POST", "/graphql?query="+mutation, "a=b", "Content-Type", "application/x-www-form-urlencoded"), 415},
		"an image":                 {request(t, "GET", "/graphql?query="+mutation, ""), 405},
		"a head":                   {request(t, "HEAD", "/graphql?query="+mutation, ""), 405},
		"json of another site":     {request(t, "POST", "/graphql", create, "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"), 403},
		"json of a sibling":        {request(t, "POST", "/graphql", create, "Content-Type", "application/json", "Sec-Fetch-Site", "same-site"), 403},
		"json of another origin":   {request(t, "POST", "/graphql", create, "Content-Type", "application/json", "Origin", "https://evil.example"), 403},
		"json of a page in a file": {request(t, "POST", "/graphql", create, "Content-Type", "application/json", "Origin", "null"), 403},
	} {
		if w := answer(h, r.request); w.Code != r.status {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, r.status)
		}
	}
	if w := answer(h, request(t, "POST", "/graphql", count, "Content-Type", "application/json")); w.Body.String() != `{"data":{"clients":{"totalCount":0}}}` {
		t.Errorf("one of them did something: %s", w.Body)
	}
	own := request(t, "POST", "/graphql", create, "Content-Type", "application/json", "Origin", "http://example.com", "Sec-Fetch-Site", "same-origin")
	if w := answer(h, own); w.Code != http.StatusOK {
		t.Errorf("its own page: %d %s", w.Code, w.Body)
	}
}

// A site whose name leads here is not taken for this server.
func TestNames(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][2]int{ // with localhost alone; with docket.example
		"localhost": {200, 200}, "localhost:8080": {200, 200}, "LOCALHOST": {200, 200}, "127.0.0.1:8080": {200, 200}, "[::1]:8080": {200, 200}, "[::1]": {200, 200}, "192.0.2.1": {200, 200}, "": {200, 200},
		"docket.example": {421, 200}, "Docket.Example:443": {421, 200},
		"evil.example": {421, 421}, "evil.example:8080": {421, 421}, "localhost.evil.example": {421, 421}, "evillocalhost": {421, 421}, "evildocket.example": {421, 421}, "127.0.0.1.evil.example": {421, 421}, "docket.example.evil.example": {421, 421},
	} {
		for i, hosts := range [][]string{{"localhost"}, {"docket.example"}} {
			s := complete(t)
			s.Hosts = hosts
			r := request(t, "POST", "/graphql", count, "Content-Type", "application/json", "Origin", "http://"+host, "Sec-Fetch-Site", "same-origin")
			r.Host = host
			if w := answer(s.Handler(), r); w.Code != want[i] {
				t.Errorf("%q, with %v: %d %s", host, hosts, w.Code, w.Body)
			}
		}
	}
}

// TestInABrowser has a page of another site try what browsers let it.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("without chromium: %v", err)
	}
	must(t, err)
	for _, shared := range []bool{false, true} {
		s := complete(t)
		var mu sync.Mutex
		seen := map[string]int{}
		site := httptest.NewUnstartedServer(nil)
		target := "http://" + strings.Replace(site.Listener.Addr().String(), "127.0.0.1", "localhost", 1) // another site than the page's
		evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, strings.ReplaceAll(evilPage, "TARGET", target+"/graphql"))
		}))
		if shared {
			s.Origins = []string{evil.URL}
		}
		handler := s.Handler()
		site.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorder := &status{ResponseWriter: w}
			handler.ServeHTTP(recorder, r)
			typ, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
			mu.Lock()
			defer mu.Unlock()
			seen[r.Method+" "+typ] = recorder.code
		})
		site.Start()
		page := visit(t, chromium, evil.URL)
		evil.Close()
		site.Close()
		want, refused := "read: no", 403
		if shared {
			want, refused = "read: 200", 415
		}
		if !strings.Contains(page, want) {
			t.Errorf("shared: %v: the page has %s", shared, page)
		}
		for what, code := range map[string]int{"POST text/plain": refused, "POST application/x-www-form-urlencoded": refused, "POST multipart/form-data": refused, "GET ": 405} {
			if seen[what] != code {
				t.Errorf("shared: %v: %s is answered %d, want %d: %v", shared, what, seen[what], code, seen)
			}
		}
		w := answer(handler, request(t, "POST", "/graphql", count, "Content-Type", "application/json"))
		if created := map[bool]string{true: `{"totalCount":1}`, false: `{"totalCount":0}`}[shared]; !strings.Contains(w.Body.String(), created) {
			t.Errorf("shared: %v: %s, want %s", shared, w.Body, created)
		}
	}
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) { s.code = code; s.ResponseWriter.WriteHeader(code) }

// evilPage sends a mutation in each form that needs no consent of the server, and
// then as JSON, which needs it.
const evilPage = `<!doctype html><iframe name=hidden></iframe><p id=out>wait</p><script>
const mutation = 'mutation { clientCreate(input: {firstName: "A", lastName: "B"}) { client { id } } }', body = JSON.stringify({query: mutation});
const form = type => new Promise(done => {
	const f = document.createElement('form');
	Object.assign(f, {method: 'post', action: 'TARGET', enctype: type, target: 'hidden'});
	const i = document.createElement('input');
	Object.assign(i, {name: type === 'text/plain' ? body.slice(0, -1) + ',"x":"' : 'query', value: type === 'text/plain' ? '"}' : mutation});
	f.append(i); document.body.append(f); f.submit(); setTimeout(done, 500);
});
(async () => {
	await form('text/plain'); await form('application/x-www-form-urlencoded'); await form('multipart/form-data');
	await fetch('TARGET', {method: 'POST', mode: 'no-cors', headers: {'Content-Type': 'text/plain'}, body}).catch(() => {});
	await new Promise(done => { const i = new Image(); i.onload = i.onerror = done; i.src = 'TARGET?query=' + encodeURIComponent(mutation); });
	let read = 'no';
	try { read = (await fetch('TARGET', {method: 'POST', headers: {'Content-Type': 'application/json'}, body})).status; } catch {}
	document.getElementById('out').textContent = 'read: ' + read;
})();
</script>`

// visit is what the page shows when it is done.
func visit(t *testing.T, chromium, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=15000",
		fmt.Sprint("--user-data-dir=", t.TempDir()), "--dump-dom", url).Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	_, page, _ := strings.Cut(string(out), `id="out">`)
	page, _, _ = strings.Cut(page, "<")
	return page
}
