package supply_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// script runs one of .ci with more variables.
func script(t *testing.T, variables []string, name string, args ...string) (output string, status int) {
	t.Helper()
	path := filepath.Join("../../.ci", name)
	for _, file := range []string{path, "../../.ci/lib.sh"} {
		if _, err := os.ReadFile(file); err != nil { // so that go test sees when it changes
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), variables...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// need skips the test for want of a tool, except in CI, which has to have it.
func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err := errors.Join(err, os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestImages names images by what a registry says that they are.
func TestImages(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v2/made/") && strings.Contains(r.URL.Path, "/manifests/") {
			w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			w.Header().Set("Docker-Content-Digest", digest)
			w.Header().Set("Content-Length", "2")
		} else if r.URL.Path != "/v2/" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer registry.Close()
	host := strings.TrimPrefix(registry.URL, "http://")
	dockerfile, compose := filepath.Join(t.TempDir(), "Dockerfile"), filepath.Join(t.TempDir(), "compose.yml")
	write(t, dockerfile, "FROM --platform=$BUILDPLATFORM "+host+"/made/go:1 AS build\nFROM scratch\nCOPY --from=build /a /b\nCOPY --from="+host+"/made/certs:2 /c /d\n")
	write(t, compose, "services:\n  db:\n    image: "+host+"/made/db:3\n  web:\n    image: \""+host+"/made/web:4\"\n")
	builds := filepath.Join(t.TempDir(), "cloudbuild.yaml")
	write(t, builds, "steps:\n  - id: a\n    name: "+host+"/made/builder\n  - id: b\n    name: ${_OWN}:latest\n")

	for _, file := range []string{dockerfile, compose, builds} {
		if out, status := script(t, nil, "images", file); status != 1 || !strings.Contains(out, "no digest") {
			t.Errorf("images without a digest pass: %d %s", status, out)
		}
	}
	if out, status := script(t, nil, "images", "--pin", dockerfile, compose, builds); status != 0 {
		t.Fatalf("%d %s", status, out)
	}
	if text := read(t, dockerfile); !strings.Contains(text, "/made/go:1@"+digest+" AS build\n") || !strings.Contains(text, "/made/certs:2@"+digest+" /c /d\n") {
		t.Errorf("pinned is\n%s", text)
	}
	if text := read(t, compose); !strings.Contains(text, "/made/db:3@"+digest+"\n") || !strings.Contains(text, "/made/web:4@"+digest+"\"\n") {
		t.Errorf("pinned is\n%s", text)
	}
	if text := read(t, builds); !strings.Contains(text, "/made/builder@"+digest+"\n") || !strings.Contains(text, "${_OWN}:latest\n") {
		t.Errorf("pinned is\n%s", text)
	}
	if out, status := script(t, nil, "images", dockerfile, compose, builds); status != 0 {
		t.Errorf("pinned images do not pass: %d %s", status, out)
	}
	write(t, dockerfile, "FROM "+host+"/elsewhere:1\n")
	if out, status := script(t, nil, "images", "--pin", dockerfile); status == 0 {
		t.Errorf("an image that is not there is pinned: %s", out)
	}
}
