package clustertest

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Node is one machine: an address, and the processes that work there.
type Node struct {
	Name, Address string
	folder        string
}

// URL is the database on this machine, through its PgBouncer, whatever it is.
func (n *Node) URL(c *Cluster) string {
	u, err := url.Parse(c.Writes)
	if err != nil {
		return ""
	}
	u.Host = n.Address + ":6432"
	return u.String()
}

// Off ends all that works on the machine as loss of power does; it stays off.
func (n *Node) Off(t testing.TB) {
	t.Helper()
	n.Halt(t)
	for _, name := range []string{"patroni", "pgbouncer", "etcd"} {
		n.Signal(name, syscall.SIGKILL)
	}
	n.Signal("postgres", syscall.SIGKILL)
}

// Signal sends a signal to one of the programs of the machine: patroni, pgbouncer,
// etcd, or postgres, which is all of its processes.
func (n *Node) Signal(name string, signal syscall.Signal) {
	file := filepath.Join(n.folder, name+".pid")
	if name == "postgres" {
		file = filepath.Join(n.folder, "data", "postmaster.pid")
	}
	pid, ok := first(file)
	if !ok {
		return
	}
	var children []int
	if name == "postgres" {
		children = childrenOf(pid)
	}
	for _, pid := range append([]int{pid}, children...) {
		_ = syscall.Kill(pid, signal)
	}
}

// first is the number in the first line of a file.
func first(file string) (pid int, ok bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(line))
	return pid, err == nil && pid > 1
}

// childrenOf are the processes that another has started.
func childrenOf(parent int) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range all {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ") // after the name, which may have spaces in it
		fields := strings.Fields(rest)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// Halt has what ends on the machine stay ended, and ends nothing.
func (n *Node) Halt(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.folder, "off"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}
