package ratelimit_test

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

// store is a Redis of the test's own, on a free port of the loopback.
type store struct {
	program, address, dir string
	cmd                   *exec.Cmd
}

// start runs a Redis, or a Valkey. Where the machine has none the test is
// skipped, but fails in CI, which has to have one.
func start(t testing.TB) *store {
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
	s := &store{program: program, dir: t.TempDir()}
	t.Cleanup(s.kill)
	within(t, "Redis starts", func() bool {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		s.address = l.Addr().String()
		must(t, l.Close())
		return s.try(t)
	})
	return s
}

// run starts it on its address once more, empty.
func (s *store) run(t testing.TB) {
	t.Helper()
	within(t, "Redis starts again", func() bool { return s.try(t) })
}

// try starts it, unless somebody else has taken the port: then it ends, and what
// answers there is another.
func (s *store) try(t testing.TB) bool {
	t.Helper()
	s.kill()
	host, port, err := net.SplitHostPort(s.address)
	must(t, err)
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), s.program,
		"--bind", host, "--port", port, "--dir", s.dir, "--save", "", "--appendonly", "no")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{}
	endWithUs(s.cmd.SysProcAttr)
	must(t, s.cmd.Start())
	for range 500 {
		if conn, err := redis.DialURL(s.url()); err == nil {
			info, _ := redis.String(conn.Do("INFO", "server"))
			_ = conn.Close()
			return strings.Contains(info, fmt.Sprintf("\r\nprocess_id:%d\r\n", s.cmd.Process.Pid))
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// kill ends it without a word to anyone.
func (s *store) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

func (s *store) url() string { return "redis://" + s.address }

func (s *store) command(name string, args ...any) error {
	conn, err := redis.DialURL(s.url())
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Do(name, args...)
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// within waits for something to happen.
func within(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is not so that %s", what)
		}
	}
}
