package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const ownerVariable = "DOCKET_PGTEST_OWNER"

// TestOwner is not a test: the tests below run it as a process of its own,
// which starts a server, reports it, and leaves without stopping it.
func TestOwner(t *testing.T) {
	if os.Getenv(ownerVariable) == "" {
		t.Skip("only as the child of another test")
	}
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("server %d %s\n", s.process.cmd.Process.Pid, s.process.dir.path)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent hangs up
}

func TestServerEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	server(t) // or skip
	for name, end := range map[string]func(*exec.Cmd, io.Closer) error{
		"killed":  func(cmd *exec.Cmd, _ io.Closer) error { return cmd.Process.Kill() },
		"returns": func(_ *exec.Cmd, stdin io.Closer) error { return stdin.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, stdin, pid, dir := owner(t)
			if !alive(pid) {
				t.Fatal("the server is not running")
			}
			if err := end(cmd, stdin); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // a killed one fails
			eventually(t, "postgres ends", func() bool { return !alive(pid) })
			eventually(t, dir+" is removed", func() bool {
				_, err := os.Stat(dir)
				return errors.Is(err, os.ErrNotExist)
			})
		})
	}
}

// owner starts the child and waits for its server.
func owner(t *testing.T) (cmd *exec.Cmd, stdin io.WriteCloser, pid int, dir string) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOwner$")
	cmd.Env = append(os.Environ(), ownerVariable+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(line, "server %d %s", &pid, &dir); err != nil {
		t.Fatalf("the child said %q: %v", line, err)
	}
	return cmd, stdin, pid, dir
}

// alive tells a running process from one that is gone or that only waits for
// a parent to take note.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return !strings.Contains(string(stat), ") Z ")
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Errorf("waited in vain: %s", what)
}

func TestSweepTakesOnlyWhatNobodyOwns(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	mine, err := claim(base)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.remove()
	orphan, err := claim(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := orphan.lock.Close(); err != nil { // as the kernel does for the dead
		t.Fatal(err)
	}
	sweep(base)
	if _, err := os.Stat(mine.path); err != nil {
		t.Errorf("swept what has an owner: %v", err)
	}
	if _, err := os.Stat(orphan.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left what has none: %v", err)
	}
}

func TestClaimAndSweepRaceSafely(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		for t.Context().Err() == nil {
			sweep(base)
		}
	}()
	t.Cleanup(func() { <-swept })
	for range 100 {
		dir, err := claim(base)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir.path); err != nil {
			t.Errorf("a claimed folder was swept: %v", err)
		}
		dir.remove()
	}
}
