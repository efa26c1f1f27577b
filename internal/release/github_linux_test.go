package release_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// gitHub answers gh with what it was sent. It holds each request against GitHub's
// description of its API.
type gitHub struct {
	*httptest.Server
	description description

	mu       sync.Mutex
	rulesets []map[string]any // each with its id, which is its place from 1
	release  map[string]any
	assets   map[string]string // what was uploaded, by name
	away     bool              // refuse everything
	untagged bool              // there is no tag
}

// newGitHub is one that lives with the test. environment says how gh finds it.
func newGitHub(t *testing.T) (github *gitHub, environment []string) {
	t.Helper()
	github = &gitHub{description: describe(t), assets: map[string]string{}}
	github.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		github.mu.Lock()
		defer github.mu.Unlock()
		status, answer := github.answer(t, r)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(github.Close)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: github.Certificate().Raw})))
	host := strings.TrimPrefix(github.URL, "https://")
	return github, []string{
		"GH_HOST=" + host, "GH_ENTERPRISE_TOKEN=planted-token", "GH_TOKEN=planted-token", "GH_CONFIG_DIR=" + dir, "GH_PROMPT_DISABLED=1",
		"SSL_CERT_FILE=" + ca, "NO_PROXY=127.0.0.1",
	}
}

func (g *gitHub) answer(t *testing.T, r *http.Request) (status int, answer any) {
	t.Helper()
	if g.away || r.Header.Get("Authorization") != "token planted-token" {
		return http.StatusForbidden, map[string]any{"message": "Resource not accessible"}
	}
	if r.URL.Path == "/api/graphql" { // gh asks there whether the tag exists
		ref := map[string]any{"id": "1"}
		if g.untagged {
			ref = nil
		}
		return http.StatusOK, map[string]any{"data": map[string]any{"repository": map[string]any{"ref": ref}}}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return http.StatusBadRequest, err.Error()
	}
	operation, ok := g.description.find(r.Method, strings.TrimPrefix(r.URL.Path, "/api/v3"))
	if !ok {
		return http.StatusNotFound, map[string]any{"message": "Not Found: " + r.Method + " " + r.URL.Path}
	}
	if name := r.URL.Query().Get("name"); name != "" { // an asset
		g.assets[name] = string(body)
		return http.StatusCreated, map[string]any{"name": name}
	}
	var sent map[string]any
	if r.Method != http.MethodGet {
		if err := operation.check(body); err != nil {
			return http.StatusUnprocessableEntity, map[string]any{"message": err.Error()}
		}
		if err := json.Unmarshal(body, &sent); err != nil {
			return http.StatusBadRequest, err.Error()
		}
	}
	switch r.Method + " " + operation.path {
	case "GET " + repository + "/rulesets":
		return http.StatusOK, g.rulesets
	case "POST " + repository + "/rulesets":
		sent["id"] = len(g.rulesets) + 1
		g.rulesets = append(g.rulesets, sent)
		return http.StatusCreated, sent
	case "PUT " + repository + "/rulesets/{ruleset_id}":
		for i := range g.rulesets {
			if fmt.Sprint(g.rulesets[i]["id"]) == path.Base(r.URL.Path) {
				sent["id"] = g.rulesets[i]["id"]
				g.rulesets[i] = sent
				return http.StatusOK, sent
			}
		}
		return http.StatusNotFound, map[string]any{"message": "no such ruleset"}
	case "POST " + repository + "/releases", "PATCH " + repository + "/releases/{release_id}":
		if g.release == nil {
			g.release = map[string]any{}
		}
		for key, value := range sent {
			g.release[key] = value
		}
		url := g.URL + r.URL.Path
		if r.Method == http.MethodPost {
			url += "/1"
		}
		return http.StatusCreated, map[string]any{"id": 1, "url": url, "upload_url": url + "/assets{?name,label}", "html_url": "https://example.org/"}
	}
	t.Errorf("nothing is made of %s %s", r.Method, operation.path)
	return http.StatusNotImplemented, nil
}
