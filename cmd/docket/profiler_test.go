package main

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// get gets what is beside the API.
func get(t *testing.T, api, path string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(api, "/graphql")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// A laptop has the profiler, and is told where it is.
func TestServeProfiled(t *testing.T) {
	t.Parallel()
	url, said := servingSaid(t)
	if where := strings.TrimSuffix(url, "/graphql") + "/debug/requests\n"; !strings.Contains(said, where) {
		t.Errorf("it says %q, not %q", said, where)
	}
	ask(t, url, `query Counted { clients { totalCount } }`)
	status, page := get(t, url, "/debug/requests")
	if status != http.StatusOK || !strings.Contains(page, "Counted") {
		t.Errorf("%d %s", status, page)
	}
	if status, _ := get(t, url, "/debug/pprof/heap"); status != http.StatusOK {
		t.Errorf("pprof: %d", status)
	}
}

// Where it is off there is nothing of it, and where others are served it stays so.
func TestServeUnprofiled(t *testing.T) {
	t.Parallel()
	database := "sqlite://" + filepath.Join(t.TempDir(), "production.db")
	if err := run(t.Context(), []string{"migrate", "apply", "--database", database}, io.Discard); err != nil {
		t.Fatal(err)
	}
	production := []string{"--environment", "production", "--insecure", "--cursor-secret", "of the tests, for the tests", "--database", database}
	for _, args := range [][]string{{"--profiler", "off"}, production} {
		url, said := servingSaid(t, args...)
		if strings.Contains(said, "/debug/") {
			t.Errorf("%v: it says %q", args, said)
		}
		for _, path := range []string{"/debug/", "/debug/requests", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1", "/debug/assets/page.js"} {
			if status, body := get(t, url, path); status != http.StatusNotFound {
				t.Errorf("%v: %s: %d %s", args, path, status, body)
			}
		}
	}
	err := run(t.Context(), append([]string{"serve", "--listen", "localhost:0", "--profiler", "on"}, production...), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "profiler: not in environment production") {
		t.Errorf("asked for in production: %v", err)
	}
}
