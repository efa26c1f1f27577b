package telemetry_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "docket/gql" // this and those below: what docket is made of, so that go test sees when it changes
	_ "docket/internal/config"
	"docket/internal/programtest"
	_ "docket/internal/server"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m.Run)) }

// served is a docket that serves, until the test ends.
type served struct {
	api, metrics string // URLs
	cmd          *exec.Cmd
	log          string // the file of its log
	ended        chan struct{}
	how          error // why it ended; nil for in order
}

var (
	apiURL     = regexp.MustCompile(`https?://\S+/graphql`)
	metricsURL = regexp.MustCompile(`http://\S+/metrics`)
)

// serve starts docket with a listener for operators, on a database.
func serve(t *testing.T, database string, variables []string, args ...string) *served {
	t.Helper()
	program, err := programtest.Docket()
	must(t, err)
	args = append([]string{"serve", "--listen", "localhost:0", "--admin", "localhost:0", "--database", database, "--advance-notice", "0s", "--rate-limit", "0"}, args...)
	s := &served{cmd: exec.CommandContext(context.WithoutCancel(t.Context()), program, args...), log: filepath.Join(t.TempDir(), "log"), ended: make(chan struct{})}
	s.cmd.Dir, s.cmd.Env = t.TempDir(), append([]string{"HOME=" + t.TempDir()}, variables...)
	dieTogether(s.cmd)
	log, err := os.Create(s.log)
	must(t, err)
	defer log.Close()
	s.cmd.Stderr = log
	stdout, err := s.cmd.StdoutPipe()
	must(t, err)
	must(t, s.cmd.Start())
	var said strings.Builder
	lines := bufio.NewScanner(stdout)
	for !metricsURL.MatchString(said.String()) && lines.Scan() {
		said.WriteString(lines.Text() + "\n")
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		s.how = s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.stop(t)
		if t.Failed() {
			t.Logf("the log of docket:\n%s", s.wrote(t))
		}
	})
	s.api, s.metrics = apiURL.FindString(said.String()), metricsURL.FindString(said.String())
	if s.metrics == "" {
		t.Fatalf("docket does not serve (%v): %s\n%s", lines.Err(), said.String(), s.wrote(t))
	}
	return s
}

func (s *served) stop(t *testing.T) {
	t.Helper()
	_ = s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.ended:
		if s.how != nil {
			t.Errorf("the server ended: %v", s.how)
		}
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Signal(syscall.SIGKILL)
		t.Error("the server does not end")
	}
}

func (s *served) wrote(t *testing.T) string {
	t.Helper()
	log, err := os.ReadFile(s.log)
	must(t, err)
	return string(log)
}

// scrape is what is at /metrics.
func (s *served) scrape(t *testing.T) string {
	t.Helper()
	status, text := get(t, s.metrics)
	if status != http.StatusOK {
		t.Fatalf("/metrics: %d %s", status, text)
	}
	return text
}

func get(t *testing.T, url string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (status int, text string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(body)
}

// until waits until it is true, which must be some time.
func until(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !isTrue(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
