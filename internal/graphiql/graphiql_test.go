package graphiql_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"docket/internal/graphiql"
)

func setup(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/graphql", graphiql.Page())
	mux.Handle(graphiql.AssetsPath, graphiql.Assets())
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestPage(t *testing.T) {
	t.Parallel()
	server := setup(t)
	response, body := get(t, server.URL+"/graphql?query={a}", "gzip")
	if !strings.Contains(body, "<title>docket</title>") {
		t.Errorf("the page is %q", body)
	}
	want(t, response, "Content-Type", "text/html; charset=utf-8")
	want(t, response, "Cache-Control", "no-cache")
	if vary := response.Header.Values("Vary"); strings.Join(vary, ", ") != "Accept, Accept-Encoding" {
		t.Errorf("Vary is %q", vary)
	}
	if csp := response.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self';") {
		t.Errorf("Content-Security-Policy is %q", csp)
	}

	again := request(t, http.MethodGet, server.URL+"/graphql")
	again.Header.Set("If-None-Match", response.Header.Get("Etag"))
	if response, _ = do(t, again); response.StatusCode != http.StatusNotModified {
		t.Errorf("the same page again: %s", response.Status)
	}
	if response, _ = do(t, request(t, http.MethodPost, server.URL+"/graphql")); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST to the page: %s", response.Status)
	}
}

// reference finds what a built file loads: an absolute path, a path that
// Vite's preloader prefixes with the base, or a chunk beside the one that
// imports it.
var reference = regexp.MustCompile("[\"'`(](?:/graphiql/)?(?:\\./|assets/)([\\w.-]+-[\\w-]{8}\\.[a-z0-9]+)[\"'`)]")

// external finds code that would make a browser load something from elsewhere.
// Links and XML namespaces may name other hosts, and do.
var external = regexp.MustCompile("(?:src=|<link [^>]*href=|url\\(|@import |\\bfrom|import\\(|fetch\\(|Worker\\(|importScripts\\()\\s*[\"'`]?(?:https?:)?//[a-z]")

func TestEveryReferenceIsServed(t *testing.T) {
	t.Parallel()
	server := setup(t)
	_, page := get(t, server.URL+"/graphql", "gzip")
	served := map[string]bool{}
	follow(t, server.URL+graphiql.AssetsPath+"assets/", page, served)
	if len(served) < 10 {
		t.Errorf("the page leads to %d assets only", len(served))
	}

	// The other way round: nothing lies in the binary that no page loads.
	stored, err := filepath.Glob("dist/assets/*.gz")
	if err != nil || len(stored) == 0 {
		t.Fatalf("dist/assets holds %d files: %v", len(stored), err)
	}
	for _, file := range stored {
		if name := strings.TrimSuffix(filepath.Base(file), ".gz"); !served[name] {
			t.Errorf("nothing refers to %s", name)
		}
	}
}

// follow gets every asset that content refers to, and what those refer to.
func follow(t *testing.T, base, content string, served map[string]bool) {
	t.Helper()
	if found := external.FindString(content); found != "" {
		t.Errorf("something loads from another host: %s", found)
	}
	for _, match := range reference.FindAllStringSubmatch(content, -1) {
		name := match[1]
		if served[name] {
			continue
		}
		served[name] = true
		response, body := get(t, base+name, "gzip")
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", name, response.Status)
		}
		want(t, response, "Content-Type", types[filepath.Ext(name)])
		want(t, response, "Content-Encoding", "gzip")
		want(t, response, "Cache-Control", "public, max-age=31536000, immutable")
		want(t, response, "X-Content-Type-Options", "nosniff")
		follow(t, base, body, served)
	}
}

var types = map[string]string{
	".js":  "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".ttf": "font/ttf",
}

func TestEncoding(t *testing.T) {
	t.Parallel()
	server := setup(t)
	_, wanted := get(t, server.URL+"/graphql", "gzip")
	for accept, encoding := range map[string]string{
		"gzip":              "gzip",
		"GZIP;q=0.5, br":    "gzip",
		"br, *":             "gzip",
		"":                  "",
		"br":                "",
		"gzip;q=0":          "",
		"gzip; q=0.000, br": "",
	} {
		response, body := get(t, server.URL+"/graphql", accept)
		if got := response.Header.Get("Content-Encoding"); got != encoding || body != wanted {
			t.Errorf("Accept-Encoding %q: Content-Encoding %q and %d bytes", accept, got, len(body))
		}
	}
}

func TestLicenses(t *testing.T) {
	t.Parallel()
	response, body := get(t, setup(t).URL+graphiql.AssetsPath+"licenses.md", "")
	want(t, response, "Content-Type", "text/markdown; charset=utf-8")
	want(t, response, "Cache-Control", "no-cache")
	for _, bundled := range []string{"## graphiql", "## monaco-editor", "## react-dom"} {
		if !strings.Contains(body, bundled) {
			t.Errorf("no license of %s", bundled)
		}
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	server := setup(t)
	for _, path := range []string{"", "assets", "assets/", "assets/none.js", "index.html", "%2e%2e/graphiql.go"} {
		response, _ := get(t, server.URL+graphiql.AssetsPath+path, "gzip")
		if response.StatusCode != http.StatusNotFound || response.Header.Get("Cache-Control") != "" {
			t.Errorf("%q: %s, Cache-Control %q", path, response.Status, response.Header.Get("Cache-Control"))
		}
	}
}

// The lockfile must install from whatever registry npm is set to.
func TestLockfileNamesNoRegistry(t *testing.T) {
	t.Parallel()
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`"resolved": .*`).Find(lock); found != nil {
		t.Errorf("package-lock.json has %s", found)
	}
}

// get asks for exactly the given encoding and answers the body inflated.
func get(t *testing.T, url, acceptEncoding string) (*http.Response, string) {
	t.Helper()
	r := request(t, http.MethodGet, url)
	// Set even if empty: the client would ask for gzip by itself.
	r.Header.Set("Accept-Encoding", acceptEncoding)
	return do(t, r)
}

func request(t *testing.T, method, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body := io.Reader(response.Body)
	if response.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	}
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(content)
}

func want(t *testing.T, response *http.Response, header, value string) {
	t.Helper()
	if got := response.Header.Get(header); got != value || value == "" {
		t.Errorf("%s: %s is %q, not %q", response.Request.URL.Path, header, got, value)
	}
}
