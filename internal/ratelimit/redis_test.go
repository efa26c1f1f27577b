package ratelimit_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// store is a Redis of the test's own, on a free port of the loopback.
type store struct {
	program, address, dir string
	args                  []string
	cmd                   *exec.Cmd
}

// start runs a Redis, or a Valkey. Where the machine has none the test is
// skipped, but fails in CI, which has to have one.
func start(t testing.TB, args ...string) *store {
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
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	s := &store{program: program, address: l.Addr().String(), dir: t.TempDir(), args: args}
	must(t, l.Close())
	t.Cleanup(s.kill)
	s.run(t)
	return s
}

// run starts it on its address, empty, and waits until it answers.
func (s *store) run(t testing.TB) {
	t.Helper()
	host, port, err := net.SplitHostPort(s.address)
	must(t, err)
	var log bytes.Buffer
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), s.program,
		append([]string{"--bind", host, "--port", port, "--dir", s.dir, "--save", "", "--appendonly", "no"}, s.args...)...)
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.SysProcAttr = &log, &log, &syscall.SysProcAttr{}
	endWithUs(s.cmd.SysProcAttr)
	must(t, s.cmd.Start())
	within(t, "Redis answers", func() bool { return s.command("PING") == nil })
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
