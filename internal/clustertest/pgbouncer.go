package clustertest

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"docket/internal/pgtest"
)

// PgBouncer runs one before the PostgreSQL of a package pgtest DSN, with a pool
// mode and any other settings, and returns the DSN to go through it.
func PgBouncer(t testing.TB, dsn, mode string, settings ...string) string {
	t.Helper()
	Needs(t, "pgbouncer")
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(scratch(), "docket-pgb-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	q := u.Query()
	text := fmt.Sprintf("[databases]\n* = host=%s port=%s user=postgres\n[pgbouncer]\n", q.Get("host"), q.Get("port")) +
		fmt.Sprintf("listen_addr =\nlisten_port = 6432\nunix_socket_dir = %s\nauth_type = any\npool_mode = %s\n", dir, mode)
	for _, s := range settings {
		text += s + "\n"
	}
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { // another user reads it, and there is no secret in it
		t.Fatal(err)
	}
	cmd := exec.Command(program("pgbouncer"), "-q", file) //nolint:noctx // ends with the test, below
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithUs(cmd.SysProcAttr)
	if os.Geteuid() == 0 { // whom PgBouncer refuses
		as, err := pgtest.Account()
		if err == nil {
			err = os.Chown(dir, int(as.Uid), int(as.Gid))
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr.Credential = as
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	Eventually(t, "PgBouncer does not listen", func() bool {
		_, err := os.Stat(filepath.Join(dir, ".s.PGSQL.6432"))
		return err == nil
	})
	q.Set("host", dir)
	q.Set("port", "6432")
	u.RawQuery = q.Encode()
	return u.String()
}
