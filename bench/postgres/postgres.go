// Package postgres runs a throwaway PostgreSQL that is set up like one in
// service: what it has committed survives a power cut.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	_ "github.com/lib/pq" // driver postgres

	"docket/bench/process"
)

// settings are those of a small server; durability is as shipped, and said
// here because it is the point. Autovacuum would fall into some measurements
// and not into others: the benchmark vacuums by itself.
var settings = map[string]string{
	"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200",
	"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
	"shared_buffers": "512MB", "effective_cache_size": "4GB", "work_mem": "16MB", "maintenance_work_mem": "1GB",
	"max_wal_size": "4GB", "checkpoint_timeout": "30min", "random_page_cost": "1.1", "jit": "off",
	"autovacuum": "off", "timezone": "UTC",
	"shared_preload_libraries": "pg_stat_statements",
}

// Server is a running PostgreSQL.
type Server struct {
	*process.Process
	url url.URL
	dir string
}

// Start runs a new server in a folder of its own below base, which is gone
// after [Server.Stop], with an empty database for the benchmark.
func Start(ctx context.Context, base string, port int) (*Server, error) {
	c, err := newCluster(ctx, base)
	if err != nil {
		return nil, err
	}
	s, err := c.serve(ctx, port)
	if err != nil {
		_ = os.RemoveAll(c.dir)
	}
	return s, err
}

func (c *cluster) serve(ctx context.Context, port int) (*Server, error) {
	args := []string{"-D", c.data(), "-p", strconv.Itoa(port)}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	// Its data is for the bin: it need not be written down before the end.
	p, err := process.Start(c.command(ctx, "postgres", args...), filepath.Join(c.dir, "log"), syscall.SIGQUIT)
	if err != nil {
		return nil, err
	}
	s := &Server{Process: p, dir: c.dir, url: url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", c.password), Path: "/bench",
		Host: "127.0.0.1:" + strconv.Itoa(port), RawQuery: "sslmode=disable",
	}}
	if err := p.Await(ctx, func() error { return s.create(ctx) }); err != nil {
		p.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) create(ctx context.Context) (err error) {
	u := s.url
	u.Path = "/postgres"
	admin, err := sql.Open("postgres", u.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	_, err = admin.ExecContext(ctx, "CREATE DATABASE bench")
	return err
}

// URL is that of the benchmark's database.
func (s *Server) URL() string { return s.url.String() }

// Stop ends the server and removes its files.
func (s *Server) Stop() {
	s.Process.Stop()
	_ = os.RemoveAll(s.dir)
}
