package faults_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"docket/internal/programtest"
)

// service is a docket that can be killed and started again. Its clients ask for
// the address each time, as it has a new one then.
type service struct {
	args []string
	log  string // the file of its log, over all starts

	mu  sync.Mutex
	url string
	cmd *exec.Cmd
}

var address = regexp.MustCompile(`http://\S+/graphql`)

// serve starts docket on a database.
func serve(t *testing.T, database string) *service {
	t.Helper()
	s := prepare(t, database)
	s.start(t)
	return s
}

// prepare is a docket that has not been started. Its rules let a load go on:
// slots may be reserved until they start, and no hold ends while a test runs.
func prepare(t *testing.T, database string) *service {
	t.Helper()
	s := &service{
		args: []string{"serve", "--listen", "localhost:0", "--database", database, "--advance-notice", "0s", "--hold-length", "100h", "--request-timeout", deadline.String(), "--rate-limit", "0", "--rate-limit-anonymous", "0"},
		log:  filepath.Join(t.TempDir(), "log"),
	}
	t.Cleanup(func() {
		s.kill(t)
		if t.Failed() {
			log, _ := os.ReadFile(s.log)
			t.Logf("the end of the log of the service:\n%s", log[max(0, len(log)-8<<10):])
		}
	})
	return s
}

// start fails the test unless the service answers.
func (s *service) start(t *testing.T) {
	t.Helper()
	if err := s.tryStart(); err != nil {
		log, _ := os.ReadFile(s.log)
		t.Fatalf("docket does not start: %v\n%s", err, log)
	}
}

func (s *service) tryStart() error {
	program, err := programtest.Docket()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, s.args...) //nolint:noctx // a context would kill it without a count
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for the test
	endWithUs(cmd.SysProcAttr)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("%w: %w", err, cmd.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cmd, s.url = cmd, address.FindString(line)
	return nil
}

// kill ends the service as the kernel ends what takes too much memory.
func (s *service) kill(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait()
	s.cmd = nil
}

// restart kills the service and starts it again, after it was away for a while.
func (s *service) restart(t *testing.T, away time.Duration) {
	t.Helper()
	s.kill(t)
	fault(t)
	time.Sleep(away)
	s.start(t)
}

func (s *service) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

func (s *service) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}
