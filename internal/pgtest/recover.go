package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// NewArchiving is as [NewDurable], with lines in its postgresql.conf: such as an
// archive_command, which the others are not to have.
func NewArchiving(t TB, conf string) *Server {
	t.Helper()
	s := require(t, func() (*Server, error) { return startArchiving(t.Context(), conf) }, os.Getenv("CI") != "")
	t.Cleanup(s.Stop)
	return s
}

func startArchiving(ctx context.Context, conf string) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := newCluster(os.Getenv("PGBIN"), onDisk())
	if err != nil {
		return nil, fmt.Errorf("pgtest: start: %w", err)
	}
	c.durable, c.options, c.conf = true, replicating, conf
	return c.serve(ctx)
}

// configure adds to the configuration, which goes with the data into a backup.
func (c *cluster) configure() error {
	if c.conf == "" {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString("\n" + c.conf)
	return errors.Join(err, file.Close())
}

// Recover starts a server on the data directory that fill makes at the path that
// it is given, such as out of a backup, and returns when it has recovered and
// takes writes. It ends with the test.
func (s *Server) Recover(t TB, fill func(data string) error) (*Server, error) {
	t.Helper()
	c, err := newCluster(os.Getenv("PGBIN"), onDisk())
	if err != nil {
		return nil, err
	}
	c.durable, c.options = true, s.cluster.options
	err = s.Command(t.Context(), "mkdir", "--mode=700", c.data()).Run()
	if err == nil {
		err = fill(c.data())
	}
	if err != nil {
		c.dir.remove()
		return nil, err
	}
	restored, err := c.recovered(t.Context())
	if err == nil {
		t.Cleanup(restored.Stop)
	}
	return restored, err
}

// recovered launches a cluster that has to recover first.
func (c *cluster) recovered(ctx context.Context) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := c.launch(ctx)
	if err != nil {
		c.dir.remove()
		return nil, err
	}
	s, err := attach(ctx, socket(c.dir.path, c.port), p)
	if err != nil {
		err = p.explain(err)
		p.stop()
		return nil, err
	}
	s.cluster = c
	if err := s.until(ctx, "SELECT NOT pg_is_in_recovery()"); err != nil {
		err = p.explain(err)
		s.Stop()
		return nil, err
	}
	return s, nil
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
