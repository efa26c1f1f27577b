package supply_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestVulnerabilities asks databases that know something, know nothing, or do
// not answer.
func TestVulnerabilities(t *testing.T) {
	t.Parallel()
	need(t, "npm")
	for name, test := range map[string]struct {
		modules, packages string // the module, and the npm package, that something is known of
		away              bool   // no database answers
		status            int
		says              []string
	}{
		"nothing known": {modules: "example.org/elsewhere", status: 0, says: []string{"go.mod of .: nothing known", "internal/graphiql: nothing known"}},
		"a module":      {modules: "github.com/hashicorp/golang-lru/v2", status: 1, says: []string{"GO-2000-0001", "vulnerable: go.mod of ."}},
		"a package":     {packages: "graphql", status: 1, says: []string{"planted for a test", "vulnerable: package-lock.json of internal/graphiql"}},
		"away":          {away: true, status: 2, says: []string{"not known: go.mod of .", "not known: package-lock.json of internal/graphiql"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := advisories(test.packages)
			variables := []string{"GOVULNDB=" + vulndb(t, test.modules), "npm_config_registry=" + registry.URL, "npm_config_cache=" + t.TempDir(), "npm_config_fetch_retries=0"}
			if test.away {
				registry.Close()
				variables[0] = "GOVULNDB=" + registry.URL
			}
			defer registry.Close()
			out, status := script(t, variables, "vulnerabilities", "./internal/cache")
			if status != test.status {
				t.Errorf("exits with %d, want %d", status, test.status)
			}
			for _, want := range test.says {
				if !strings.Contains(out, want) {
					t.Errorf("does not say %q", want)
				}
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// vulndb is a database of the Go kind (https://go.dev/doc/security/vuln/database)
// that knows of one vulnerability, in all versions of the module.
func vulndb(t *testing.T, module string) string {
	t.Helper()
	const modified = "2000-01-01T00:00:00Z"
	dir := t.TempDir()
	write(t, filepath.Join(dir, "index/db.json"), `{"modified": "`+modified+`"}`)
	write(t, filepath.Join(dir, "index/vulns.json"), `[{"id": "GO-2000-0001", "modified": "`+modified+`"}]`)
	write(t, filepath.Join(dir, "index/modules.json"), fmt.Sprintf(`[{"path": %q, "vulns": [{"id": "GO-2000-0001", "modified": %q}]}]`, module, modified))
	write(t, filepath.Join(dir, "ID/GO-2000-0001.json"), fmt.Sprintf(`{
		"schema_version": "1.3.1", "id": "GO-2000-0001", "modified": %q, "published": %[1]q, "summary": "planted for a test", "details": "planted for a test",
		"database_specific": {"url": "https://example.org/GO-2000-0001", "review_status": "REVIEWED"},
		"affected": [{
			"package": {"name": %q, "ecosystem": "Go"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
			"ecosystem_specific": {"imports": [{"path": %[2]q}, {"path": %[3]q}]}
		}]}`, modified, module, module+"/simplelru"))
	return "file://" + dir
}

// advisories is a registry that knows of one vulnerability, in all versions of
// the package.
func advisories(name string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/advisories/bulk") {
			w.WriteHeader(http.StatusNotFound) // it is only asked what is vulnerable
			return
		}
		known := map[string]any{}
		if name != "" {
			known[name] = []any{map[string]any{
				"id": 1, "url": "https://example.org/1", "title": "planted for a test", "severity": "high", "vulnerable_versions": "*",
			}}
		}
		_ = json.NewEncoder(w).Encode(known)
	}))
}
