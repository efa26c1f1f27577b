package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"
)

// patience is how long a start may take, on a machine with much else to do.
const patience = time.Minute

// Server is a PostgreSQL whose databases are ours to make and to drop. Its
// methods may be called from many goroutines.
type Server struct {
	url     url.URL
	admin   *sql.DB
	version int      // as server_version_num: 150018 is 15.18
	process *process // nil where the server is somebody else's
	cluster *cluster // of the process

	mu        sync.Mutex
	templates map[string]string // database by key
}

// Start runs a new server with the programs in $PGBIN or, without it, with the
// newest that the machine has; it fails with [ErrNotInstalled] where there are
// none. ctx bounds the start, not the life of the server, which ends with
// [Server.Stop] or with this process. An error carries the end of the log.
func Start(ctx context.Context) (*Server, error) {
	s, err := start(ctx, os.Getenv("PGBIN"))
	if err != nil {
		return nil, fmt.Errorf("pgtest: start: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, pgbin string) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := newCluster(pgbin, scratch())
	if err != nil {
		return nil, err
	}
	return c.serve(ctx)
}

// serve runs the cluster. Where it fails, the directory is gone.
func (c *cluster) serve(ctx context.Context) (*Server, error) {
	p, err := c.run(ctx)
	if err != nil {
		c.dir.remove()
		return nil, err
	}
	s, err := attach(ctx, socket(c.dir.path, c.port), p)
	if err != nil {
		err = p.explain(err)
		p.stop()
		c.forget()
		return nil, err
	}
	s.cluster = c
	return s, nil
}

// run makes the data directory and launches the server on it.
func (c *cluster) run(ctx context.Context) (*process, error) {
	if err := c.initialise(ctx); err != nil {
		return nil, err
	}
	if err := c.configure(); err != nil {
		return nil, err
	}
	return c.launch(ctx)
}

// connect uses a server that runs already, as a user who may create databases.
func connect(ctx context.Context, dsn string) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	s, err := attach(ctx, *u, nil)
	if err != nil {
		return nil, fmt.Errorf("pgtest: connect to DOCKET_TEST_DATABASE_URL: %w", err)
	}
	return s, nil
}

// attach opens the connections that databases are made over.
func attach(ctx context.Context, u url.URL, p *process) (*Server, error) {
	admin, err := sql.Open("postgres", u.String())
	if err != nil {
		return nil, err
	}
	admin.SetMaxOpenConns(4)
	s := &Server{url: u, admin: admin, process: p, templates: map[string]string{}}
	if err := s.await(ctx); err != nil {
		return nil, errors.Join(err, admin.Close())
	}
	return s, nil
}

// await returns when the server answers. One that is not ours should answer
// at once.
func (s *Server) await(ctx context.Context) error {
	for {
		err := s.admin.QueryRowContext(ctx, "SHOW server_version_num").Scan(&s.version)
		if err == nil || s.process == nil {
			return err
		}
		select {
		case <-s.process.ended:
			return errors.New("the server ended")
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// socket names the port too, lest PGPORT in the environment choose another.
func socket(dir, port string) url.URL {
	q := url.Values{"host": {dir}, "port": {port}, "sslmode": {"disable"}}
	return url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: q.Encode()}
}

// DSN is the URL of a database on this server, for lib/pq, pgx and psql:
//
//	postgres://postgres@/dev?host=%2Fdev%2Fshm%2Fdocket-pg-1&port=5432&sslmode=disable
func (s *Server) DSN(database string) string {
	u := s.url
	u.Path = "/" + database
	return u.String()
}

// Stop ends the server at once, with the connections that are open, and
// removes all of its files. More calls of it do nothing.
func (s *Server) Stop() {
	_ = s.admin.Close()
	if s.process != nil {
		s.process.stop()
	}
}
