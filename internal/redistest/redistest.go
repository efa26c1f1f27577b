// Package redistest runs a Redis, or a Valkey, for a test.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// tries is how often somebody else may take the port.
const tries = 5

// Server is a Redis of the test's own, on a free port of the loopback.
type Server struct {
	program, address, dir string
	cmd                   *exec.Cmd
}

// Start runs a Redis, or a Valkey. Where the machine has none the test is
// skipped, but fails in CI, which has to have one.
func Start(t testing.TB) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		program, err = exec.LookPath("valkey-server")
	}
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("CI needs redis-server: %v", err)
	default:
		t.Skip("without redis-server: `apt-get install redis-server`, `brew install redis`")
	}
	s := &Server{program: program, dir: t.TempDir()}
	t.Cleanup(s.Kill)
	for range tries {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		s.address = l.Addr().String()
		must(t, l.Close())
		if s.try(t) {
			return s
		}
	}
	t.Fatal("Redis does not start")
	return nil
}

// Run starts it on its address once more, empty.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	for range tries {
		if s.try(t) {
			return
		}
	}
	t.Fatal("Redis does not start again")
}

// try starts it, unless somebody else has taken the port: then it ends, and what
// answers there is another.
func (s *Server) try(t testing.TB) bool {
	t.Helper()
	s.Kill()
	host, port, err := net.SplitHostPort(s.address)
	must(t, err)
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), s.program,
		"--bind", host, "--port", port, "--dir", s.dir, "--save", "", "--appendonly", "no")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{}
	endWithUs(s.cmd.SysProcAttr)
	must(t, s.cmd.Start())
	for range 500 {
		if conn, err := redis.DialURL(s.URL()); err == nil {
			info, _ := redis.String(conn.Do("INFO", "server"))
			_ = conn.Close()
			return strings.Contains(info, fmt.Sprintf("\r\nprocess_id:%d\r\n", s.cmd.Process.Pid))
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// Kill ends it without a word to anyone.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// URL is where it answers.
func (s *Server) URL() string { return "redis://" + s.address }

// Signal sends its process a signal.
func (s *Server) Signal(signal syscall.Signal) error { return s.cmd.Process.Signal(signal) }

// Command has it do something.
func (s *Server) Command(name string, args ...any) error {
	conn, err := redis.DialURL(s.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.Do(name, args...)
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
