package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"docket/internal/demo"
)

// serving starts `docket serve` with the arguments on a free port, on a
// database of its own, and returns its URL.
func serving(t *testing.T, args ...string) string {
	t.Helper()
	url, _ := servingSaid(t, args...)
	return url
}

// servingSaid is serving, with what the server said until then.
func servingSaid(t *testing.T, args ...string) (url, said string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	args = append([]string{"serve", "--listen", "localhost:0", "--database", "sqlite://" + filepath.Join(t.TempDir(), "docket.db")}, args...)
	go func() {
		err := run(ctx, args, in)
		_ = in.CloseWithError(io.EOF)
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the server does not stop")
		}
	})
	var seen bytes.Buffer
	text := make([]byte, 4096)
	address := regexp.MustCompile(`https?://\S+`)
	for !address.Match(seen.Bytes()) {
		n, err := out.Read(text)
		if err != nil {
			t.Fatalf("%v after %q", err, seen.String())
		}
		seen.Write(text[:n])
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return address.FindString(seen.String()), seen.String()
}

// blocks are the shell commands of the README, in order.
func blocks(t *testing.T) (all []string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```bash\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		all = append(all, m[1])
	}
	return all
}

// TestReadme does what the README says: serve, and book a slot from a shell.
func TestReadme(t *testing.T) {
	t.Parallel()
	b := blocks(t)
	if len(b) != 4 {
		t.Fatalf("the README has %d blocks of commands, not 4", len(b))
	}
	arguments, ok := strings.CutPrefix(b[0], "go run ./cmd/docket serve")
	if !ok {
		t.Fatalf("the README starts with %q", b[0])
	}
	url := serving(t, strings.Fields(arguments)...)
	shell := func(script string) string {
		t.Helper()
		script = strings.ReplaceAll(script, "localhost:8080", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/graphql"))
		out, err := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script).CombinedOutput()
		if err != nil || strings.Contains(string(out), `"errors"`) {
			t.Fatalf("%v in\n%s\n%s", err, script, out)
		}
		return string(out)
	}
	graphql, _, _ := strings.Cut(b[1], "\n")
	ids := regexp.MustCompile(`"id":"([^"]+)"`).FindAllStringSubmatch(shell(b[1]), -1)
	if len(ids) != 2 {
		t.Fatalf("found the ids %v", ids)
	}
	reserve, confirm, _ := strings.Cut(b[2], "\n")
	reserved := shell(graphql + "\n" + strings.NewReplacer("APPOINTMENT", ids[0][1], "CLIENT", ids[1][1]).Replace(reserve))
	if !strings.Contains(reserved, `"state":"HELD"`) {
		t.Error(reserved)
	}
	reservation := regexp.MustCompile(`"id":"([^"]+)"`).FindStringSubmatch(reserved)[1]
	if confirmed := shell(graphql + "\n" + strings.ReplaceAll(confirm, "RESERVATION", reservation)); !strings.Contains(confirmed, `"confirmed":true`) {
		t.Error(confirmed)
	}
}

// TestDemoQueries runs the two queries that --demo prints and that need no id.
func TestDemoQueries(t *testing.T) {
	t.Parallel()
	url := serving(t, "--demo")
	queries := strings.Split(demo.Queries, "# ")[1:]
	if len(queries) != 3 {
		t.Fatalf("%d queries", len(queries))
	}
	for _, q := range queries[:2] {
		_, q, _ = strings.Cut(q, "\n")
		data := ask(t, url, q)
		if !strings.Contains(data, "timeSlot") {
			t.Errorf("nothing to see in %s", data)
		}
	}
}

// TestServeAgain stops a server and starts another on the same file.
func TestServeAgain(t *testing.T) {
	t.Parallel()
	file := "sqlite://" + filepath.Join(t.TempDir(), "again.db")
	for i, want := range []string{`{"clients":{"totalCount":0}}`, `{"clients":{"totalCount":1}}`} {
		t.Run(want, func(t *testing.T) {
			url := serving(t, "--database", file)
			if got := ask(t, url, `{ clients { totalCount } }`); got != want {
				t.Errorf("start %d: %s", i, got)
			}
			ask(t, url, `mutation { clientCreate(input: {firstName: "Ada", lastName: "Nowak"}) { client { id } } }`)
		})
	}
}

func ask(t *testing.T, url, query string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var r struct{ Data, Errors json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil || r.Errors != nil {
		t.Fatalf("%v %s", err, r.Errors)
	}
	return string(r.Data)
}

// TestRefusesToStart checks that a bad setting ends the start with its name.
func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"listen":       {[]string{"--listen", "0.0.0.0:8080"}, "listen: others can reach"},
		"database":     {[]string{"--database", "mysql://x"}, "database: must be"},
		"slots":        {[]string{"--slot-length", "90s"}, "slot-length: "},
		"notice":       {[]string{"--advance-notice", "-1h"}, "advance-notice: "},
		"hold":         {[]string{"--hold-length", "0s"}, "hold-length: "},
		"where":        {[]string{"--environment", "moon"}, "--environment must be one of"},
		"nowhere":      {[]string{"--database", "sqlite:///nowhere/docket.db"}, "database: sqlite:///nowhere/docket.db: unable to open"},
		"nobody":       {[]string{"--database", "postgres://ada:s3cr3t@localhost:1/d?sslmode=disable"}, "database: postgres://localhost:1/d: dial"},
		"sslmode":      {[]string{"--database", "postgres://ada:s3cr3t@localhost:1/d?sslmode=maybe"}, "database: postgres://localhost:1/d: pq: wrong value"},
		"forgotten":    {[]string{"--environment", "production", "--cursor-secret", "0123456789abcdef"}, "database: must be named"},
		"no secret":    {[]string{"--environment", "production"}, "cursor-secret: must be given"},
		"a short one":  {[]string{"--cursor-secret", "0123456789abcde"}, "cursor-secret: must have at least 16 bytes"},
		"nobody asks":  {[]string{"--environment", "production", "--database", "sqlite:///nowhere/docket.db", "--cursor-secret", "0123456789abcdef"}, "oidc-issuer: must be given"},
		"in the clear": {[]string{"--oidc-issuer", "http://id.example.org", "--oidc-audience", "docket"}, "oidc-issuer: must be an https URL"},
		"no page":      {[]string{"--page-default", "0"}, "page-default: must be between 1 and 500"},
		"pages":        {[]string{"--page-max", "20000"}, "page-max: must be between"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), append([]string{"serve"}, test.args...), io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
