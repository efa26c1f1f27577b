package leaks_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"docket/internal/pgtest"
)

// served is a docket that serves, with secrets in its settings.
type served struct {
	address string // HOST:PORT
	cmd     *exec.Cmd
	output  string // the file of what it writes
	ended   chan struct{}
}

var address = regexp.MustCompile(`http://(\S+)/graphql`)

// serve starts a server. What it writes goes to a file, which outlives a crash.
func serve(t *testing.T, variables []string) *served {
	t.Helper()
	s := &served{cmd: command(t, variables, "serve", "--listen", "localhost:0"), output: filepath.Join(t.TempDir(), "output"), ended: make(chan struct{})}
	output, err := os.Create(s.output)
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	s.cmd.Stderr = output
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var found [][]byte
	lines := bufio.NewScanner(stdout)
	for found == nil && lines.Scan() {
		found = address.FindSubmatch(lines.Bytes())
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() { s.end(t, syscall.SIGKILL) })
	if found == nil {
		t.Fatalf("docket does not serve (%v):\n%s", lines.Err(), s.wrote(t))
	}
	s.address = string(found[1])
	return s
}

func (s *served) end(t *testing.T, how os.Signal) {
	t.Helper()
	_ = s.cmd.Process.Signal(how)
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		t.Error("the server does not end")
	}
}

// wrote is the log, and what is in the files that it left.
func (s *served) wrote(t *testing.T) []byte {
	t.Helper()
	log, err := os.ReadFile(s.output)
	if err != nil {
		t.Fatal(err)
	}
	return append(log, left(t, s.cmd.Dir)...)
}

// TestServe asks a server on SQLite, and ends it as an operator does.
func TestServe(t *testing.T) {
	t.Parallel()
	for name, variables := range map[string][]string{
		"local":       {"DOCKET_ENVIRONMENT=local"},
		"with tokens": {"DOCKET_ENVIRONMENT=local", "DOCKET_DEV_TOKENS=true", "DOCKET_DEV_KEY=" + filepath.Join(t.TempDir(), "key")},
		"staging":     {"DOCKET_ENVIRONMENT=staging", "DOCKET_INSECURE=true"},
		"production":  {"DOCKET_ENVIRONMENT=production", "DOCKET_INSECURE=true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cursor, rates := plant("cursor secret"), plant("rate store's password")
			variables := append(variables,
				"DOCKET_DATABASE=sqlite://"+filepath.Join(t.TempDir(), "docket.db"), "DOCKET_CURSOR_SECRET="+cursor.String(),
				"DOCKET_SHARED_STORE=redis://docket:"+rates.String()+"@localhost:1/0",
			)
			if out, err := run(t, variables, "migrate", "apply"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			s := serve(t, variables)
			secrets := append(talk(t, s.address), cursor, rates)
			s.end(t, os.Interrupt)
			tell(t, secrets, "what was served", s.wrote(t))
		})
	}
}

// TestDatabaseBreaks serves from a PostgreSQL whose tables are not as they were,
// which is then away, back again, and away at the end; a crash shows the stack.
func TestDatabaseBreaks(t *testing.T) {
	t.Parallel()
	postgres := pgtest.NewDurable(t)
	dsn := postgres.DSN("postgres")
	password, replica, cursor := plant("database's password"), plant("replica's password"), plant("cursor secret")
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("postgres", password.String())
	variables := []string{
		"DOCKET_ENVIRONMENT=development", "DOCKET_DATABASE=" + u.String(), "DOCKET_CURSOR_SECRET=" + cursor.String(), "DOCKET_RATE_LIMIT=0", "DOCKET_RATE_LIMIT_ANONYMOUS=0",
		"DOCKET_DATABASE_REPLICAS=" + u.String() + ",postgres://docket:" + replica.String() + "@localhost:1/docket?sslmode=disable",
	} // one is none, nobody answers at the other
	var all exported
	receiver := httptest.NewServer(&all)
	defer receiver.Close()
	s := serve(t, append(variables, "OTEL_EXPORTER_OTLP_ENDPOINT="+receiver.URL, "OTEL_BSP_SCHEDULE_DELAY=50", "OTEL_BLRP_SCHEDULE_DELAY=50"))
	secrets := append(talk(t, s.address), password, replica, cursor)

	execute(t, dsn, `ALTER TABLE clients ADD CONSTRAINT nobody CHECK (first_name = 'nobody') NOT VALID`)
	secrets = append(secrets, talk(t, s.address)...)
	execute(t, dsn, `ALTER TABLE clients ALTER COLUMN first_name TYPE integer USING 1`)
	secrets = append(secrets, talk(t, s.address)...)
	execute(t, dsn, `ALTER TABLE clients DROP COLUMN last_name CASCADE`)
	secrets = append(secrets, talk(t, s.address)...)
	execute(t, dsn, `ALTER TABLE providers RENAME TO people; DROP TABLE idempotency_keys`)
	secrets = append(secrets, talk(t, s.address)...)

	if err := postgres.Crash(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, talk(t, s.address)...)
	for _, command := range [][]string{{"serve"}, {"migrate", "status"}, {"migrate", "apply"}} {
		out, err := run(t, variables, command...)
		if err == nil {
			t.Errorf("%q succeeds without a database", command)
		}
		tell(t, secrets, "without a database", out)
	}
	if err := postgres.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, talk(t, s.address)...)
	s.end(t, syscall.SIGQUIT)
	log := s.wrote(t)
	for _, want := range []string{"internal error", "the database is unavailable", "goroutine 1"} {
		if !bytes.Contains(log, []byte(want)) {
			t.Errorf("the log does not tell of %q: it was not broken as it should", want)
		}
	}
	tell(t, secrets, "the log", log)
	all.mu.Lock()
	defer all.mu.Unlock()
	if !bytes.Contains(all.text.Bytes(), []byte("error.type")) {
		t.Error("no statement that failed was exported")
	}
	tell(t, secrets, "what was exported", all.text.Bytes())
}

func execute(t *testing.T, dsn, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
