package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// NewArchiving is as [NewDurable], with settings in the form of postgresql.conf's
// names and values: such as archive_command, which the others are not to have.
func NewArchiving(t TB, settings map[string]string) *Server {
	t.Helper()
	s := require(t, func() (*Server, error) { return startArchiving(t.Context(), settings) }, os.Getenv("CI") != "")
	t.Cleanup(s.Stop)
	return s
}

func startArchiving(ctx context.Context, settings map[string]string) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := newCluster(os.Getenv("PGBIN"), onDisk())
	if err != nil {
		return nil, fmt.Errorf("pgtest: start: %w", err)
	}
	c.durable, c.options = true, options(settings)
	return c.serve(ctx)
}

func options(settings map[string]string) (all []string) {
	for name, value := range settings {
		all = append(all, "-c", name+"="+value)
	}
	return all
}

// Recover starts a server on the data directory that fill makes at the path that
// it is given, such as out of a backup, and returns when it has recovered and
// takes writes.
func (s *Server) Recover(ctx context.Context, fill func(data string) error) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := newCluster(os.Getenv("PGBIN"), onDisk())
	if err != nil {
		return nil, err
	}
	c.durable, c.options = true, append(s.cluster.options, "-c", "archive_mode=off", "-c", "hot_standby=on")
	err = s.Command(ctx, "mkdir", "--mode=700", c.data()).Run()
	if err == nil {
		err = fill(c.data())
	}
	var p *process
	if err == nil {
		p, err = c.launch(ctx)
	}
	if err != nil {
		c.dir.remove()
		return nil, err
	}
	restored, err := attach(ctx, socket(c.dir.path, c.port), p)
	for recovering := true; err == nil && recovering; time.Sleep(10 * time.Millisecond) {
		err = restored.admin.QueryRowContext(ctx, "SELECT pg_is_in_recovery()").Scan(&recovering)
	}
	if err != nil {
		err = p.explain(err)
		p.stop()
		return nil, err
	}
	restored.cluster = c
	return restored, nil
}

// Command is a program that runs under the account of the server, and finds
// PostgreSQL's programs first.
func (s *Server) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := s.cluster.command(ctx, name, args...)
	cmd.Env = append(cmd.Env, "PATH="+s.cluster.bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return cmd
}

// Data is the data directory.
func (s *Server) Data() string { return s.cluster.data() }

// Directory is where the socket of the server is, which belongs to its account.
func (s *Server) Directory() string { return s.cluster.dir.path }
