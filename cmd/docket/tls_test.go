package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"docket/internal/certtest"
	"docket/internal/pgtest"
)

// page is docs/tls.md: its commands, by what they begin with, without the backslashes
// that join lines.
func page(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/tls.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, m := range regexp.MustCompile("(?s)```bash\ndocket (.*?)\n```").FindAllStringSubmatch(string(text), -1) {
		args := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(m[1], "\\\n", " "), "'", ""))
		kind := args[0]
		if strings.Contains(m[1], "--acme-domain") {
			kind = "acme"
		}
		all[kind] = args
	}
	if len(all) != 4 {
		t.Fatalf("the page has the commands %q", all)
	}
	return all
}

// with puts other values in the place of those of the page, all of which it has.
func with(t *testing.T, args []string, values ...string) []string {
	t.Helper()
	text := strings.Join(args, "\n")
	for pair := range slices.Chunk(values, 2) {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("the page has no %q in %q", pair[0], args)
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return strings.Split(text, "\n")
}

// answers asks for a URL at an address until there is an answer, without following
// where it leads.
func answers(t *testing.T, config *tls.Config, url, address string) *http.Response {
	t.Helper()
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err == nil {
			_ = response.Body.Close()
			return response
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestServeFiles does what docs/tls.md says of certificate files.
func TestServeFiles(t *testing.T) {
	t.Parallel()
	commands, a := page(t), certtest.New(t)
	cert, key := a.Files(t, "docket.example.org")
	plain := "127.0.0.1:" + certtest.FreePort(t)
	args := with(t, commands["serve"], ":443", "127.0.0.1:0", ":80", plain, "/etc/docket/tls.crt", cert, "/etc/docket/tls.key", key)
	url := serving(t, args[1:]...)
	address, ok := strings.CutPrefix(strings.TrimSuffix(url, "/graphql"), "https://")
	if !ok {
		t.Fatalf("it says that it is at %s", url)
	}
	_, port, _ := net.SplitHostPort(address)
	response := answers(t, a.Trusting(), "https://docket.example.org/readyz", address)
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 || response.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
		t.Errorf("got %v", response)
	}
	if to := answers(t, nil, "http://docket.example.org/graphql", plain).Header.Get("Location"); to != "https://docket.example.org:"+port+"/graphql" {
		t.Errorf("plain HTTP is led to %q", to)
	}
	healthy := with(t, commands["healthcheck"], ":443", address, "/etc/docket/tls.crt", cert)
	if err := run(t.Context(), healthy, io.Discard); err != nil {
		t.Errorf("not healthy: %v", err)
	}
	if err := run(t.Context(), []string{"healthcheck", "--listen", address}, io.Discard); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("asked over plain HTTP: %v", err)
	}
}

// TestDocket is not a test: tests run it as a process of its own, which is docket
// with the arguments behind "--".
func TestDocket(t *testing.T) {
	const variable = "DOCKET_TEST_PROCESS"
	if os.Getenv(variable) == "" {
		t.Skip("only as the child of another test")
	}
	for i, arg := range os.Args {
		if arg == "--" {
			os.Args = append(os.Args[:1], os.Args[i+1:]...)
			main()
			return
		}
	}
}

// TestServeACME does what docs/tls.md says of ACME, with an authority of its own.
func TestServeACME(t *testing.T) {
	t.Parallel()
	commands := page(t)
	secure, plain := certtest.FreePort(t), certtest.FreePort(t)
	p := certtest.NewPebble(t, secure, plain, 24*time.Hour)
	args := with(t, commands["acme"], ":443", "127.0.0.1:"+secure, ":80", "127.0.0.1:"+plain, "/var/lib/docket/acme", filepath.Join(t.TempDir(), "acme"))
	args = append(args, "--acme-directory", p.Directory, "--database", "sqlite://"+filepath.Join(t.TempDir(), "docket.db"))
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-test.run=^TestDocket$", "--"}, args...)...)
	cmd.Env = append(os.Environ(), "DOCKET_TEST_PROCESS=1", "SSL_CERT_FILE="+certtest.Write(t, "root.crt", p.API.PEM))
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(os.Interrupt) }, 20*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	t.Cleanup(func() {
		if err := <-ended; err != nil || t.Failed() {
			t.Errorf("%v: %s", err, said.String())
		}
	})
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		ended <- cmd.Wait()
	}()
	trusting := p.Trusting(t)
	if response := answers(t, trusting, "https://docket.example.org/readyz", "127.0.0.1:"+secure); response.StatusCode != http.StatusOK {
		t.Errorf("got %v", response)
	}
	if to := answers(t, nil, "http://docket.example.org/", "127.0.0.1:"+plain).Header.Get("Location"); to != "https://docket.example.org:"+secure+"/" {
		t.Errorf("plain HTTP is led to %q", to)
	}
	if err := run(t.Context(), []string{"healthcheck", "--listen", "127.0.0.1:" + secure, "--acme-domain", "docket.example.org,www.example.org"}, io.Discard); err != nil {
		t.Errorf("not healthy: %v", err)
	}
}

// TestProductionDatabase does what docs/tls.md says of PostgreSQL, and what it says
// is not enough.
func TestProductionDatabase(t *testing.T) {
	t.Parallel()
	a := certtest.New(t)
	cert, key := a.Issue(t, "db.example.org")
	_, port := pgtest.NewSecure(t, cert, key)
	apply := with(t, page(t)["migrate"], "docket@db.example.org/docket?", "postgres@db.example.org:"+port+"/postgres?hostaddr=127.0.0.1&",
		"/etc/docket/postgres.crt", certtest.Write(t, "root.crt", a.PEM))
	elsewhere := "postgres://docket@192.0.2.1/docket?sslmode=require"
	for _, step := range []struct {
		args []string
		says string
	}{
		{apply, ""},
		{with(t, apply, "db.example.org", "other.example.org"), "certificate is valid for db.example.org, not other.example.org"},
		{[]string{"migrate", "apply", "--environment", "production", "--database", elsewhere}, "database: PostgreSQL on another machine has to prove"},
		{[]string{"migrate", "status", "--environment", "staging", "--database", elsewhere}, "database: PostgreSQL on another machine has to prove"},
		{[]string{"serve", "--environment", "production", "--cursor-secret", "0123456789abcdef", "--database", elsewhere}, "database: PostgreSQL on another machine has to prove"},
	} {
		err := run(t.Context(), step.args, io.Discard)
		if (err == nil) != (step.says == "") || err != nil && !strings.Contains(err.Error(), step.says) {
			t.Errorf("%q: %v, want %q", step.args, err, step.says)
		}
	}
}

// TestRefusesCertificates checks that what cannot be served with ends the start.
func TestRefusesCertificates(t *testing.T) {
	t.Parallel()
	cert, key := certtest.New(t).Files(t, "docket.example.org")
	_, other := certtest.New(t).Files(t, "docket.example.org")
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"another's key": {[]string{"--tls-cert", cert, "--tls-key", other}, "tls-cert: " + cert + " with " + other + ": tls: private key does not match"},
		"no file":       {[]string{"--tls-cert", "/nowhere", "--tls-key", key}, "tls-cert: open /nowhere"},
		"by turns":      {[]string{"--tls-cert", key, "--tls-key", cert}, "tls-cert: "},
		"a port taken":  {[]string{"--tls-cert", cert, "--tls-key", key, "--redirect-from", taken.Addr().String()}, "redirect-from: listen tcp"},
		"one alone":     {[]string{"--tls-cert", cert}, "tls-cert, tls-key: "},
		"both kinds":    {[]string{"--tls-cert", cert, "--tls-key", key, "--acme-domain", "example.org"}, "acme-domain: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"serve", "--listen", "localhost:0", "--database", "sqlite://" + filepath.Join(t.TempDir(), "docket.db")}, test.args...)
			ctx, stop := context.WithTimeout(t.Context(), time.Minute) // one that starts would not end
			defer stop()
			if err := run(ctx, args, io.Discard); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
