package certtest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Pebble is the ACME authority that Let's Encrypt tests its clients with. Its
// program is a module of its own, .ci/pebble. All names are those of this machine.
type Pebble struct {
	Directory string     // the URL at which it speaks ACME
	API       *Authority // of the certificate that it shows there
	manage    string
}

// NewPebble starts one, which proves names at two ports of this machine, and
// whose certificates are valid for a while.
func NewPebble(t testing.TB, tlsPort, httpPort string, valid time.Duration) *Pebble {
	t.Helper()
	programs := build(t)
	listen, manage, dns := "127.0.0.1:"+FreePort(t), "127.0.0.1:"+FreePort(t), "127.0.0.1:"+FreePort(t)
	p := &Pebble{Directory: "https://" + listen + "/dir", API: New(t), manage: "https://" + manage}
	cert, key := p.API.Files(t, "127.0.0.1")
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": manage, "certificate": cert, "privateKey": key,
		"tlsPort": number(t, tlsPort), "httpPort": number(t, httpPort), "keyAlgorithm": "ecdsa",
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles":   map[string]any{"default": map[string]any{"validityPeriod": valid / time.Second}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	run(t, filepath.Join(programs, "pebble-challtestsrv"), "-dnsserver", dns, "-defaultIPv6", "", "-management", "127.0.0.1:"+FreePort(t),
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "")
	run(t, filepath.Join(programs, "pebble"), "-strict", "-dnsserver", dns, "-config", Write(t, "pebble.json", config))
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := p.get(t, p.Directory); err == nil {
			return p
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// Trusting is for a client that trusts what this Pebble signs.
func (p *Pebble) Trusting(t testing.TB) *tls.Config {
	t.Helper()
	root, err := p.get(t, p.manage+"/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	return &tls.Config{RootCAs: roots}
}

// Client trusts the certificate of the API, which is not what the authority signs.
func (p *Pebble) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: p.API.Trusting()}, Timeout: 10 * time.Second}
}

func (p *Pebble) get(t testing.TB, url string) ([]byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := p.Client().Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return io.ReadAll(response.Body)
}

// build leaves the programs in a folder of the test's own; after the first time, they
// come from Go's build cache.
func build(t testing.TB) string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(filepath.Dir(string(root)), ".ci", "pebble")
	if _, err := os.ReadFile(filepath.Join(module, "go.mod")); err != nil { // so that go test sees when it changes
		t.Fatal(err)
	}
	dir := t.TempDir()
	const programs = "github.com/letsencrypt/pebble/v2/cmd/"
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", programs+"pebble", programs+"pebble-challtestsrv")
	cmd.Dir, cmd.Env = module, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// run runs a program until the test ends, and shows what it said if that fails.
func run(t testing.TB, path string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(path, args...) //nolint:noctx // the context of the test ends before its cleanups
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", filepath.Base(path), said.Bytes())
		}
	})
}

// FreePort is a port of 127.0.0.1 that was free a moment ago.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func number(t testing.TB, port string) int {
	t.Helper()
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
