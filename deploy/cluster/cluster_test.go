package cluster_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"docket/ent/orm"
	"docket/internal/clustertest"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/pgtest"
	"docket/internal/txn"
)

// What the files are to bring about, on a cluster of them.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := clustertest.New(t, 1)
	writes, reads := dbtest.At(t, c.Writes), dbtest.At(t, c.Reads)

	t.Run("docket connects, with its settings in force", func(t *testing.T) {
		for _, db := range []*database.DB{writes, reads} {
			if err := db.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{
				"plan_cache_mode": "force_generic_plan", "jit": "off", "random_page_cost": "1.1", "timezone": "UTC",
				"fsync": "on", "synchronous_commit": "on", "archive_mode": "on", "data_checksums": "on", "max_connections": "100",
			} {
				if got := one(t, db.DB, "SHOW "+name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		}
	})
	t.Run("docket sees of a replica whom it follows", func(t *testing.T) {
		if got := one(t, reads.DB, "SELECT pg_has_role('pg_read_all_stats', 'USAGE')"); got != "true" {
			t.Errorf("docket has pg_read_all_stats: %s", got)
		}
	})
	t.Run("one address leads to the primary, the other to replicas", func(t *testing.T) {
		if got := one(t, writes.DB, "SELECT pg_is_in_recovery()"); got != "false" {
			t.Errorf("writes go to a machine in recovery: %s", got)
		}
		for range 4 {
			if got := one(t, dbtest.At(t, c.Reads).DB, "SELECT pg_is_in_recovery()"); got != "true" {
				t.Errorf("reads go to a machine that is not in recovery: %s", got)
			}
		}
	})
	t.Run("who would write on a replica hears that it is unavailable, and nothing was done", func(t *testing.T) {
		_, err := txn.Do(t.Context(), reads.ORM(), func(*orm.Tx) (int, error) { return 0, nil })
		if !errors.Is(err, txn.ErrUndone) || !txn.Unavailable(err) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody connects in plain text, or without the password", func(t *testing.T) {
		for name, value := range map[string]string{"sslmode": "disable", "password": "guess"} {
			u, err := url.Parse(c.Writes)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			q.Set(name, value)
			u.RawQuery = q.Encode()
			if name == "password" {
				u.User = url.User("docket")
			}
			if err := dbtest.At(t, u.String()).Connect(t.Context()); err == nil {
				t.Errorf("connected with %s=%s", name, value)
			}
		}
	})
	t.Run("what only one machine has is not acknowledged", func(t *testing.T) { alone(t, c, writes, reads) })
}

// alone turns both standbys off.
func alone(t *testing.T, c *clustertest.Cluster, writes, reads *database.DB) {
	t.Helper()
	if _, err := writes.ExecContext(t.Context(), "CREATE TABLE notes (n int)"); err != nil {
		t.Fatal(err)
	}
	primary := c.Primary(t)
	for _, n := range c.Nodes {
		if n != primary {
			n.Off(t)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	tx, err := writes.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = tx.ExecContext(ctx, "INSERT INTO notes VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- tx.Commit() }()
	select {
	case err := <-ended:
		t.Errorf("without a standby, a commit ended with %v", err)
	case <-time.After(12 * time.Second): // more than twice as long as Patroni takes to look
	}
	clustertest.Eventually(t, "reads do not go to the primary when there is no replica", func() bool {
		var recovers bool
		err := reads.QueryRowContext(t.Context(), "SELECT pg_is_in_recovery()").Scan(&recovers)
		return err == nil && !recovers
	})
	c.On(t)
	c.Whole(t)
	clustertest.Eventually(t, "nothing is written when the standbys are back", func() bool {
		_, err := writes.ExecContext(t.Context(), "INSERT INTO notes VALUES (2)")
		return err == nil
	})
}

func one(t *testing.T, db *sql.DB, query string) (value string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// The mode that this PgBouncer has is what keeps docket right: in any other, docket
// does not start.
func TestPoolMode(t *testing.T) {
	t.Parallel()
	for mode, starts := range map[string]bool{"session": true, "transaction": false} {
		text, err := os.ReadFile("pgbouncer.ini")
		if err != nil {
			t.Fatal(err)
		}
		var settings []string
		for _, line := range strings.Split(string(text), "\n") { // those that need no machine
			if strings.HasPrefix(line, "query_") || strings.HasPrefix(line, "server_") || strings.HasPrefix(line, "default_") {
				settings = append(settings, line)
			}
		}
		if !strings.Contains(string(text), "\npool_mode = session\n") {
			t.Error("pgbouncer.ini has another mode")
		}
		err = dbtest.At(t, clustertest.PgBouncer(t, pgtest.New(t, nil), mode, settings...)).Connect(t.Context())
		if starts != (err == nil) || err != nil && !strings.Contains(err.Error(), "pool_mode = session") {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

// However up ends, nothing is left of it.
func TestUpLeavesNothing(t *testing.T) {
	t.Parallel()
	clustertest.Needs(t, "patroni", "etcd", "haproxy", "pgbouncer", "setpriv", "openssl")
	for name, end := range map[string]func(*exec.Cmd) error{
		"told":   func(cmd *exec.Cmd) error { return cmd.Process.Signal(os.Interrupt) },
		"killed": func(cmd *exec.Cmd) error { return cmd.Process.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "cluster")
			cmd := exec.CommandContext(t.Context(), "./up", folder)
			lifeline, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer lifeline.Close()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			clustertest.Eventually(t, "nothing is started", func() bool { return len(mentioning(t, folder)) > 8 })
			if err := end(cmd); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			clustertest.Eventually(t, "something of it is left", func() bool {
				_, err := os.Stat(folder)
				return os.IsNotExist(err) && len(mentioning(t, folder)) == 0
			})
		})
	}
	taken := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "./up", taken).CombinedOutput(); err == nil || !strings.Contains(string(out), taken) {
		t.Errorf("a folder that is there is taken: %v %s", err, out)
	}
}

// mentioning are the processes that name the folder when they were started.
func mentioning(t *testing.T, folder string) (found []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if line, err := os.ReadFile(file); err == nil && strings.Contains(string(line), folder) {
			found = append(found, string(line))
		}
	}
	return found
}
