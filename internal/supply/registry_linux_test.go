package supply_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// registry is a private one for modules, as Artifact Registry is: it has those of
// the module cache under a path of its own, and shows them to who has the token.
type registry struct {
	*httptest.Server
	asked, refused atomic.Int64
}

const repository = "/project/repository"

func newRegistry(t *testing.T, token string, change func(path string, content []byte) []byte) *registry {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(strings.TrimSpace(string(out)), "cache", "download")
	r := &registry{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		path, found := strings.CutPrefix(request.URL.Path, repository+"/")
		user, password, _ := request.BasicAuth()
		content, err := os.ReadFile(filepath.Join(cache, filepath.Clean("/"+path)))
		switch {
		case user != "oauth2accesstoken" || password != token:
			r.refused.Add(1)
			w.WriteHeader(http.StatusUnauthorized)
		case !found || err != nil:
			w.WriteHeader(http.StatusNotFound)
		default:
			r.asked.Add(1)
			_, _ = w.Write(change(path, content))
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// build builds a package that needs a module, from nothing but the registry. The
// token is given as a netrc file, or not at all.
func (r *registry) build(t *testing.T, token string) (output string, err error) {
	t.Helper()
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})
	write(t, filepath.Join(dir, "ca.pem"), string(ca))
	if token != "" {
		machine := strings.TrimPrefix(r.URL, "https://") // with its port, which is none for a real one
		write(t, filepath.Join(dir, "netrc"), "machine "+machine+" login oauth2accesstoken password "+token+"\n")
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "./internal/cache")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(),
		"GOPROXY="+r.URL+repository, "NETRC="+filepath.Join(dir, "netrc"), "GOAUTH=netrc",
		"GOPRIVATE=example.com/*", "GONOPROXY=none", "GOVCS=*:off", "GOTOOLCHAIN=local",
		"GOMODCACHE="+filepath.Join(dir, "mod"), "GOFLAGS=-modcacherw -buildvcs=false", "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem"), "NO_PROXY=127.0.0.1",
	)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestPrivateRegistry takes modules from a registry as docs/supply-chain.md and
// the Dockerfile do.
func TestPrivateRegistry(t *testing.T) {
	t.Parallel()
	const token = "planted-token"
	same := func(_ string, content []byte) []byte { return content }

	t.Run("with its token", func(t *testing.T) {
		t.Parallel()
		r := newRegistry(t, token, same)
		if out, err := r.build(t, token); err != nil || r.asked.Load() == 0 || strings.Contains(out, token) {
			t.Errorf("%v, asked %d times\n%s", err, r.asked.Load(), out)
		}
	})
	for name, given := range map[string]string{"without": "", "with another": "planted-other"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t, token, same)
			if out, err := r.build(t, given); err == nil || r.refused.Load() == 0 || !strings.Contains(out, "401") || strings.Contains(out, "planted") {
				t.Errorf("%v, refused %d times\n%s", err, r.refused.Load(), out)
			}
		})
	}
	t.Run("with other content", func(t *testing.T) {
		t.Parallel()
		r := newRegistry(t, token, func(path string, content []byte) []byte {
			if strings.HasSuffix(path, ".mod") {
				return append(content, "// changed\n"...)
			}
			return content
		})
		if out, err := r.build(t, token); err == nil || !strings.Contains(out, "checksum mismatch") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
