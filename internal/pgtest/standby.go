package pgtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// replicating are the options of a server that others follow. They come after the
// settings, and the later one counts. What is committed has been written to the
// log, so that pg_current_wal_lsn() covers it; a standby can be copied, too.
var replicating = []string{"-c", "synchronous_commit=on", "-c", "full_page_writes=on", "-c", "wal_level=replica", "-c", "max_wal_senders=10", "-c", "hot_standby=on"}

// NewPrimary returns a server of the test's own that standbys can follow. It is
// skipped, or fails, where [New] is.
func NewPrimary(t TB) *Server {
	t.Helper()
	return newPrimary(t, false)
}

// NewSystem is NewPrimary with a system identifier of its own. Other servers are
// copies of one that was made long ago, and have the same.
func NewSystem(t TB) *Server {
	t.Helper()
	return newPrimary(t, true)
}

func newPrimary(t TB, system bool) *Server {
	t.Helper()
	s := require(t, func() (*Server, error) { return startPrimary(t.Context(), system) }, os.Getenv("CI") != "")
	t.Cleanup(s.Stop)
	return s
}

func startPrimary(ctx context.Context, system bool) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := newCluster(os.Getenv("PGBIN"), scratch())
	if err != nil {
		return nil, fmt.Errorf("pgtest: start: %w", err)
	}
	c.options = replicating
	if system {
		c.cached = ""
	}
	return c.serve(ctx)
}

// NewStandby returns a hot standby that streams from the primary, which is of
// [NewPrimary] or a standby itself. It has all of the primary's databases, and its
// [Server.DSN] takes their names.
func NewStandby(t TB, primary *Server) *Server {
	t.Helper()
	s, err := startStandby(t.Context(), primary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func startStandby(ctx context.Context, primary *Server) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := newCluster(os.Getenv("PGBIN"), scratch())
	if err != nil {
		return nil, fmt.Errorf("pgtest: start: %w", err)
	}
	c.options, c.copied = replicating, primary.cluster
	return c.serve(ctx)
}

// copy makes the data directory out of that of a running server, with what a
// standby needs to follow it.
func (c *cluster) copy(ctx context.Context, from *cluster) error {
	out, err := c.command(ctx, filepath.Join(c.bin, "pg_basebackup"), "--pgdata="+c.data(), "--host="+from.dir.path, "--port="+from.port,
		"--username=postgres", "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	return nil
}

// Pause stops a standby from replaying what it receives: it stays as it is.
func (s *Server) Pause(ctx context.Context) error {
	if err := s.exec(ctx, "SELECT pg_wal_replay_pause()"); err != nil {
		return err
	}
	return s.until(ctx, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
}

// Resume has a standby replay again.
func (s *Server) Resume(ctx context.Context) error {
	return s.exec(ctx, "SELECT pg_wal_replay_resume()")
}

// Promote makes a standby a primary, and returns when it takes writes.
func (s *Server) Promote(ctx context.Context) error { return s.exec(ctx, "SELECT pg_promote()") }

// CaughtUp returns when the standby has replayed all that the primary has written.
func (s *Server) CaughtUp(ctx context.Context, primary *Server) error {
	var written string
	if err := primary.admin.QueryRowContext(ctx, "SELECT pg_current_wal_lsn()").Scan(&written); err != nil {
		return err
	}
	return s.until(ctx, "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", written)
}

// until returns when the query does with true.
func (s *Server) until(ctx context.Context, query string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var done bool
		if err := s.admin.QueryRowContext(ctx, query, args...).Scan(&done); err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Freeze stops all processes of the server, as a machine does that hangs: its
// connections stay, and say nothing. The server goes on with the function that is
// returned, which has to be called before its end.
func (s *Server) Freeze(ctx context.Context) (thaw func(), err error) {
	admin, err := s.admin.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = admin.Close() }()
	frozen := []int{s.process.cmd.Process.Pid} // first, lest it start others
	thaw = func() {
		for _, pid := range frozen {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}
	if err := syscall.Kill(frozen[0], syscall.SIGSTOP); err != nil {
		return nil, err
	}
	rows, err := admin.QueryContext(ctx, "SELECT pid FROM pg_stat_activity ORDER BY pid = pg_backend_pid()")
	if err != nil {
		thaw()
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []int
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			thaw()
			return nil, err
		}
		all = append(all, pid)
	}
	for _, pid := range all {
		if syscall.Kill(pid, syscall.SIGSTOP) == nil {
			frozen = append(frozen, pid)
		}
	}
	return thaw, rows.Err()
}
