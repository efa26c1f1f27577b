// Package clustertest runs the cluster of deploy/cluster for tests, and breaks it:
// three machines of PostgreSQL as processes on this one.
package clustertest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"docket/internal/programtest"
)

// patience is how long anything may take on a machine with much else to do.
const patience = 2 * time.Minute

// Cluster is three machines, and the proxy before them.
type Cluster struct {
	Writes, Reads string // URLs of the database, as docket takes them: of the primary, of replicas
	Nodes         []*Node
	folder        string
}

// New brings up a cluster that ends with the test. Where a program is missing the
// test is skipped, but fails if CI is set in the environment. With etcds 3 each
// machine has an etcd; with 1 there is one that is on none of them.
func New(t testing.TB, etcds int) *Cluster {
	t.Helper()
	Needs(t, "patroni", "etcd", "haproxy", "pgbouncer", "setpriv", "openssl")
	base, err := os.MkdirTemp(scratch(), "docket-cluster-")
	if err == nil {
		err = os.Chmod(base, 0o755) //nolint:gosec // PostgreSQL goes through it as somebody else
	}
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{folder: filepath.Join(base, "cluster")}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(root(t), "deploy/cluster/up"), c.folder)
	cmd.Env = append(os.Environ(), fmt.Sprintf("ETCDS=%d", etcds))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for the test
	cmd.Stderr = os.Stderr
	lifeline, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			c.tell(t)
		}
		_ = lifeline.Close()
		_ = cmd.Wait()
		_ = os.RemoveAll(base)
	})
	giveUp := time.AfterFunc(patience, func() { _ = lifeline.Close() })
	if err := c.read(out); err != nil {
		t.Fatalf("the cluster does not come up: %v", err)
	}
	giveUp.Stop()
	return c
}

// roomy is the free space from which memory is preferred to disk: each machine
// keeps up to 1 GB of PostgreSQL's log for the others.
const roomy = 4 << 30

// scratch is in memory where there is room: what these tests break is processes,
// and a disk that all of them share is no machine of their own.
func scratch() string {
	var shm syscall.Statfs_t
	if syscall.Statfs("/dev/shm", &shm) == nil && uint64(shm.Bavail)*uint64(shm.Bsize) >= roomy { //nolint:gosec // a size is never negative
		return "/dev/shm"
	}
	return os.TempDir()
}

// read reads what up prints, until the cluster is there.
func (c *Cluster) read(out io.Reader) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "writes":
			c.Writes = value
		case "reads":
			c.Reads = value
		case "up":
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return nil
		default:
			c.Nodes = append(c.Nodes, &Node{Name: name, Address: value, folder: filepath.Join(c.folder, name)})
		}
	}
	return errors.Join(errors.New("it ended"), lines.Err())
}

// Needs skips the test, or fails it in CI, unless the programs are there.
func Needs(t testing.TB, programs ...string) {
	t.Helper()
	for _, name := range programs {
		_, err := find(name)
		programtest.Need(t, name, err)
	}
}

// program finds a program, also where only root looks for it.
func program(name string) string {
	path, _ := find(name)
	return path
}

func find(name string) (path string, err error) {
	for _, path = range []string{name, "/usr/sbin/" + name} {
		if path, err = exec.LookPath(path); err == nil {
			break
		}
	}
	return path, err
}

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("the test does not run in the module: ", err)
	return ""
}

// tell logs the end of each log.
func (c *Cluster) tell(t testing.TB) {
	t.Helper()
	logs, _ := filepath.Glob(filepath.Join(c.folder, "*", "*.log"))
	for _, path := range logs {
		log, _ := os.ReadFile(path)
		t.Logf("%s:\n%s", strings.TrimPrefix(path, c.folder), log[max(0, len(log)-3<<10):])
	}
}

// Primary waits until one machine is the primary, and returns it.
func (c *Cluster) Primary(t testing.TB) *Node { t.Helper(); return c.await(t, "primary") }

// Standby waits until one machine is the synchronous standby, and returns it.
func (c *Cluster) Standby(t testing.TB) *Node { t.Helper(); return c.await(t, "sync") }

func (c *Cluster) await(t testing.TB, role string) (found *Node) {
	t.Helper()
	Eventually(t, "no machine says that it is "+role, func() bool {
		for _, n := range c.Nodes {
			if n.Is(t.Context(), role) {
				found = n
				return true
			}
		}
		return false
	})
	return found
}

// Whole waits until there are a primary, a synchronous standby and another replica.
func (c *Cluster) Whole(t testing.TB) {
	t.Helper()
	Eventually(t, "the cluster does not become whole again", func() bool {
		roles := map[string]int{}
		for _, n := range c.Nodes {
			for _, role := range []string{"primary", "sync", "replica"} {
				if n.Is(t.Context(), role) {
					roles[role]++
				}
			}
		}
		return roles["primary"] == 1 && roles["sync"] == 1 && roles["replica"] == 2
	})
}

// Eventually fails the test with what unless it is done within some minutes.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// Is asks the machine's Patroni whether it is primary, replica, sync or async.
func (n *Node) Is(ctx context.Context, role string) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, "http://"+n.Address+":8008/"+role, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}
