package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exchange posts a body, with headers that follow their names; an empty one is not sent.
func exchange(t *testing.T, url, body string, headers ...string) (status int, header http.Header, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for pair := range slices.Chunk(headers, 2) {
		if pair[1] != "" {
			r.Header.Set(pair[0], pair[1])
		}
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(all)
}

// TestSettingsReachTheAPI serves with each setting of documents and requests.
func TestSettingsReachTheAPI(t *testing.T) {
	t.Parallel()
	const (
		manifest = "../../internal/documents/testdata/apollo.json"
		query    = "8df912aaaa73e2f8bc66e9d97f3e912da61308c05c0d53cef818a58982e7b8d7"
		named    = `{"documentId": "` + query + `", "variables": {"first": 1}}`
		count    = `{"query": "{ clients { totalCount } }"}`
		schema   = `{"query": "{ __schema { queryType { name } } }"}`
		hash     = `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + query + `"}}}`
	)
	for _, test := range []struct {
		name, args, origin, body string
		status                   int
		want                     string
	}{
		{"by default", "", "", count, 200, `"totalCount":0`},
		{"by default, the schema", "", "", schema, 200, `"queryType"`},
		{"no introspection", "--introspection=off", "", schema, 200, `keeps its schema`},
		{"no suggestions", "--introspection=off", "", `{"query": "{ clint }"}`, 200, `\"clint\" on type \"Query\".",`},
		{"a trusted document", "--trusted-documents=" + manifest, "", named, 200, `"edges":[]`},
		{"another document", "--trusted-documents=" + manifest, "", count, 200, `"totalCount":0`},
		{"only trusted documents", "--trusted-documents-only --trusted-documents=" + manifest, "", named, 200, `"edges":[]`},
		{"only trusted documents, another", "--trusted-documents-only --trusted-documents=" + manifest, "", count, 200, `DOCUMENT_NOT_TRUSTED`},
		{"a hash", "", "", hash, 200, "PERSISTED_QUERY_NOT_FOUND"},
		{"no hashes", "--no-persisted-queries", "", hash, 200, "PERSISTED_QUERY_NOT_SUPPORTED"},
		{"a limit of documents", "--document-aliases=1", "", `{"query": "{ a: __typename b: __typename }"}`, 200, `"max":1`},
		{"a limit of cost", "--operation-cost=10", "", `{"query": "{ clients { edges { cursor } } }"}`, 200, `"requested":101`},
		{"a batch", "--batch-max=2", "", "[" + count + "," + count + "]", 200, `[{"data"`},
		{"a long body", "--body-max=1024", "", strings.Repeat(" ", 2000) + count, 413, `"max":1024`},
		{"another site", "", "https://app.example", count, 403, "cors-origins"},
		{"a site that may", "--cors-origins=https://app.example", "https://app.example", count, 200, `"totalCount":0`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			status, header, text := exchange(t, serving(t, strings.Fields(test.args)...), test.body, "Origin", test.origin)
			if status != test.status || !strings.Contains(text, test.want) {
				t.Errorf("%d %s, want %d %s", status, text, test.status, test.want)
			}
			if got := header.Get("Access-Control-Allow-Origin"); (got == test.origin && got != "") != strings.Contains(test.args, "cors-origins") {
				t.Errorf("it is shared with %q", got)
			}
		})
	}
}

// TestHostsReachTheServer calls the server by names that lead to it.
func TestHostsReachTheServer(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][2]int{"docket.example": {421, 200}, "evil.example": {421, 421}, "localhost": {200, 200}} {
		for i, args := range [][]string{nil, {"--hosts=docket.example"}} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, serving(t, args...)+"?query={__typename}", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != want[i] {
				t.Errorf("%s, with %v: %d, want %d", host, args, res.StatusCode, want[i])
			}
		}
	}
}

// TestUntrustworthyDocuments checks that a manifest that cannot be served keeps
// the server from starting, by name.
func TestUntrustworthyDocuments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a1": "query Old { customers { id } }"}`: `trusted-documents: operation Old with id "a1": Cannot query field "customers"`,
		`[]`: "trusted-documents: ",
		``:   "trusted-documents: open",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "manifest.json")
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args := []string{"serve", "--listen", "localhost:0", "--database", "sqlite://" + filepath.Join(dir, "docket.db"), "--trusted-documents", path}
		if err := run(context.WithoutCancel(t.Context()), args, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
