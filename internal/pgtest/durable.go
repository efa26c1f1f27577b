package pgtest

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
)

// NewDurable returns a server of the test's own that keeps what it acknowledges,
// as one in service does: tests may crash it with [Server.Crash] and see what
// [Server.Restart] recovers. It is skipped, or fails, where [New] is.
func NewDurable(t TB) *Server {
	t.Helper()
	s := require(t, func() (*Server, error) { return startDurable(t.Context()) }, os.Getenv("CI") != "")
	t.Cleanup(s.Stop)
	return s
}

func startDurable(ctx context.Context) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := newCluster(os.Getenv("PGBIN"), onDisk())
	if err != nil {
		return nil, fmt.Errorf("pgtest: start: %w", err)
	}
	c.durable = true
	s, err := c.serve(ctx)
	if err != nil {
		return nil, fmt.Errorf("pgtest: start: %w", err)
	}
	return s, nil
}

// Crash sends the server's first process a signal and waits for its end.
// SIGKILL leaves the others to find out; SIGQUIT is what pg_ctl calls immediate.
func (s *Server) Crash(signal syscall.Signal) error {
	if err := s.process.cmd.Process.Signal(signal); err != nil {
		return err
	}
	<-s.process.ended
	return nil
}

// Restart starts the server again on what it left, and returns when it answers.
// The processes of a killed one may still have its memory: until they have
// ended, a new one does not start.
func (s *Server) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		p, err := s.cluster.launch(ctx)
		if err != nil {
			return err
		}
		s.process = p
		if err = s.await(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return p.explain(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Socket is the address of the unix socket that the server listens on.
func (s *Server) Socket() string { return s.cluster.dir.path + "/.s.PGSQL." + s.cluster.port }
