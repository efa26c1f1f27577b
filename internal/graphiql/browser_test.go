package graphiql_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"docket/internal/graphiql"
	"docket/internal/programtest"
)

// seen is what testdata/browser.mjs reports, once both visits have run an
// operation and shown its result.
type seen struct {
	Page, Link struct {
		Title, Editor, Docs string
		Misspelled          int
	}
	Requests, Problems []string
}

// operation is a request that the fake API got.
type operation struct {
	Query, OperationName string
	Variables            map[string]any
	authorization        string
}

func TestInBrowser(t *testing.T) {
	t.Parallel()
	api := &fakeAPI{t: t}
	mux := http.NewServeMux()
	mux.Handle("GET /graphql", graphiql.Page())
	mux.Handle("POST /graphql", api)
	mux.Handle(graphiql.AssetsPath, graphiql.Assets())
	server := httptest.NewServer(mux)
	defer server.Close()

	link := url.Values{
		"query": {"query Other { availableAppointments { edges { node { id } } } }\n" +
			"query Linked($first: Int) { availableAppointments(first: $first) { edges { node { timeSlot } } } }"},
		"variables":     {`{"first": 3}`},
		"operationName": {"Linked"},
	}
	got := drive(t, server.URL+"/graphql", server.URL+"/graphql?"+link.Encode())

	if got.Page.Title != "docket" {
		t.Errorf("title is %q", got.Page.Title)
	}
	if !strings.Contains(got.Page.Docs, "AppointmentEdge") {
		t.Errorf("the documentation does not show the schema: %q", got.Page.Docs)
	}
	if n := got.Page.Misspelled; n != 0 {
		t.Errorf("the default query has %d errors: %s", n, got.Page.Editor)
	}
	for _, request := range got.Requests {
		if !strings.HasPrefix(request, server.URL+"/") {
			t.Errorf("a request left the server: %s", request)
		}
	}
	for _, problem := range got.Problems {
		t.Errorf("the browser complained: %s", problem)
	}

	run := api.operations()
	if len(run) != 2 {
		t.Fatalf("the two visits ran %d operations", len(run))
	}
	if run[0].OperationName != "Available" || run[0].authorization != "Bearer pasted" {
		t.Errorf("the run button sent %+v", run[0])
	}
	if run[1].OperationName != "Linked" || run[1].Variables["first"] != 3.0 || run[1].authorization != "" {
		t.Errorf("the link ran %+v", run[1])
	}
}

// drive runs testdata/browser.mjs against a page and a link to it.
func drive(t *testing.T, page, link string) seen {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	programtest.Need(t, "chromium", err)
	node, err := exec.LookPath("node")
	programtest.Need(t, "node", err)
	_, err = os.Stat("node_modules/playwright-core")
	programtest.Need(t, "what npm ci installs", err)
	// Opened here, not by node, so that go test sees when it changes.
	script, err := os.Open("testdata/browser.mjs")
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, node, "--input-type=module", "-")
	cmd.Env = append(os.Environ(), "CHROMIUM="+browser, "PAGE="+page, "LINK="+link)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = script, &stdout, &stderr
	// Interrupted, the script still ends its browser.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("browser.mjs: %v\n%s", err, stderr.Bytes())
	}
	var got seen
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("browser.mjs printed %q: %v", stdout.Bytes(), err)
	}
	return got
}

// fakeAPI answers introspection with a small schema, and everything else with
// one appointment. It remembers the latter.
type fakeAPI struct {
	t    *testing.T
	mu   sync.Mutex
	seen []operation
}

func (api *fakeAPI) operations() []operation {
	api.mu.Lock()
	defer api.mu.Unlock()
	return api.seen
}

func (api *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := operation{authorization: r.Header.Get("Authorization")}
	if err := json.NewDecoder(r.Body).Decode(&op); err != nil {
		api.t.Errorf("the page sent no JSON: %v", err)
	}
	w.Header().Set("Content-Type", "application/json")
	if op.OperationName == "IntrospectionQuery" {
		http.ServeFile(w, r, "testdata/introspection.json")
		return
	}
	api.mu.Lock()
	api.seen = append(api.seen, op)
	api.mu.Unlock()
	_, _ = io.WriteString(w, `{"data": {"availableAppointments": {"edges": [
		{"node": {"id": "1", "timeSlot": "2030-01-01T09:00:00Z", "provider": {"firstName": "Ada", "lastName": "Lovelace"}}}]}}}`)
}
