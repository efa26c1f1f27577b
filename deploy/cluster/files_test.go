// Package cluster_test tries the files of a cluster with the programs they are
// for, and then as a cluster.
package cluster_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"docket/internal/certtest"
	"docket/internal/clustertest"
)

// node is a machine that is not running, with all that the files name.
type node struct {
	folder string
	values map[string]string
}

func newNode(t *testing.T) *node {
	t.Helper()
	clustertest.Needs(t, "patroni", "etcd", "haproxy", "pgbouncer", "setpriv")
	etcd, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // which Patroni's own check looks for
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = etcd.Close() })
	n := &node{folder: t.TempDir()}
	cert, key := certtest.New(t).Issue(t, "127.0.0.1")
	n.write(t, "node.crt", string(cert))
	n.write(t, "ca.crt", string(cert))
	n.write(t, "node.key", string(key))
	n.write(t, "userlist.txt", `"docket" "docket"`)
	postgres, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || postgres == nil {
		t.Skip("PostgreSQL is not where Debian has it")
	}
	n.values = map[string]string{
		"NODE": "node1", "ADDRESS": "127.81.1.1", "NODE1": "127.81.1.1", "NODE2": "127.81.1.2", "NODE3": "127.81.1.3", "PROXY": "127.81.1.10",
		"NETWORK": "127.0.0.0/8", "FOLDER": n.folder, "CERTIFICATES": n.folder, "POSTGRES": postgres[len(postgres)-1], "WATCHDOG": "required",
		"ETCD_HOSTS": etcd.Addr().String(), "ETCD_MEMBERS": "node1=https://127.81.1.1:2380",
		"PATRONI_PASSWORD": "a", "POSTGRES_PASSWORD": "b", "REPLICATION_PASSWORD": "c", "DOCKET_PASSWORD": "d", "MONITOR_PASSWORD": "e",
		"OWNER": "postgres", "ARCHIVE": "pgbackrest --stanza=docket archive-push %p",
	}
	return n
}

func (n *node) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(n.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fill writes one of the files with one thing in it replaced.
func (n *node) fill(t *testing.T, name, from, to string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("%s has no %q", name, from)
	}
	changed := strings.Replace(string(text), from, to, 1)
	filled := os.Expand(changed, func(v string) string {
		value, ok := n.values[v]
		if !ok {
			t.Errorf("%s: nobody knows ${%s}", name, v)
		}
		return value
	})
	return n.write(t, name, filled)
}

// run runs a program for some seconds at most, as somebody who is not root.
func (n *node) run(t *testing.T, args ...string) (out string, ok bool) {
	t.Helper()
	if os.Geteuid() == 0 {
		for path := n.folder; len(path) > len(os.TempDir()); path = filepath.Dir(path) {
			if err := os.Chmod(path, 0o755); err != nil { //nolint:gosec // another user goes through it
				t.Fatal(err)
			}
		}
		if out, err := exec.CommandContext(t.Context(), "chown", "-R", "postgres", n.folder).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		args = append([]string{"setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"}, args...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = n.folder, append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin", "HOME="+n.folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	text, err := cmd.CombinedOutput()
	return string(text), err == nil
}

// Each program takes its file as it is, and says what is wrong with one that has
// an error.
func TestFiles(t *testing.T) {
	t.Parallel()
	check := map[string][]string{
		"haproxy.cfg":   {"/usr/sbin/haproxy", "-c", "-f"},
		"patroni.yml":   {"patroni", "--validate-config"},
		"pgbouncer.ini": {"timeout", "--preserve-status", "--signal=INT", "2", "/usr/sbin/pgbouncer"}, // it has no check but to run
		"etcd.yml":      {"timeout", "--preserve-status", "--signal=KILL", "2", "etcd", "--config-file"},
	}
	for _, tt := range []struct{ file, from, to, want string }{
		{"haproxy.cfg", "", "", ""},
		{"haproxy.cfg", "default_backend primary", "default_backend primry", "unable to find required default_backend"},
		{"haproxy.cfg", "on-marked-down shutdown-sessions", "on-marked-down cut", "'on-marked-down'"},
		{"haproxy.cfg", "http-check expect status 200", "http-check expect stats 200", "http-check expect"},
		{"haproxy.cfg", "nbsrv(replicas)", "nbsrv(replica)", "replica"},
		{"patroni.yml", "", "", ""},
		{"patroni.yml", "ttl: 20", "ttl: twenty", "bootstrap.dcs.ttl"},
		{"patroni.yml", "data_dir:", "data_folder:", "postgresql.data_dir"},
		{"patroni.yml", "bin_dir: ${POSTGRES}", "bin_dir: /nowhere", "postgresql.bin_dir"},
		{"patroni.yml", "${WATCHDOG}", "always", "watchdog.mode"},
		{"pgbouncer.ini", "", "", "process up"},
		{"pgbouncer.ini", "pool_mode = session", "pool_mode = sessions", "pool_mode"},
		{"pgbouncer.ini", "default_pool_size", "pool_size", "unknown parameter"},
		{"pgbouncer.ini", "node.key", "node.pem", "TLS setup failed"},
		{"etcd.yml", "https://${ADDRESS}:2379", "https://${ADDRESS}", "host:port"},
		{"etcd.yml", "name: ${NODE}", "name: other", "initial cluster"},
		{"etcd.yml", "node.crt", "node.pem", "no such file"},
	} {
		t.Run(tt.file+" "+tt.to, func(t *testing.T) {
			t.Parallel()
			n := newNode(t)
			out, ok := n.run(t, append(check[tt.file], n.fill(t, tt.file, tt.from, tt.to))...)
			if ok != (tt.from == "") || !strings.Contains(out, tt.want) {
				t.Errorf("taken: %v, want %v and %q; it says\n%s", ok, tt.from == "", tt.want, out)
			}
		})
	}
}
