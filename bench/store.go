package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // driver sqlite

	"docket/bench/dataset"
	"docket/bench/postgres"
)

// store is a database with the data set, as docket's own migrations made it.
type store struct {
	kind   string // as in the report
	url    string // as docket takes it
	pid    int    // of the server; 0 where the database lives in its peer
	loaded time.Duration
	db     *sql.DB
	clean  []string // after writes
	close  func()
}

const (
	onPostgres = "PostgreSQL"
	onSQLite   = "SQLite"
)

func openPostgres(ctx context.Context, o options, docket string) (*store, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	server, err := postgres.Start(ctx, o.dir, port)
	if err != nil {
		return nil, err
	}
	// What the benchmark itself asks for is not counted as a peer's.
	db, err := sql.Open("postgres", server.URL()+"&options=-cpg_stat_statements.track%3Dnone")
	if err != nil {
		server.Stop()
		return nil, err
	}
	s := &store{kind: onPostgres, url: server.URL(), pid: server.PID, db: db, clean: []string{
		"VACUUM reservations, appointments, clients", "CHECKPOINT",
	}}
	s.close = func() {
		_ = db.Close()
		server.Stop()
	}
	return s, s.fill(ctx, o, docket, o.data.LoadPostgres, "CREATE EXTENSION pg_stat_statements", functions)
}

// functions are what PostGraphile needs beyond the tables.
//
//go:embed postgraphile/functions.sql
var functions string

func openSQLite(ctx context.Context, o options, docket string) (*store, error) {
	dir, err := os.MkdirTemp(o.dir, "docket-bench-sqlite-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "bench.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &store{kind: onSQLite, url: "sqlite://" + path, db: db, clean: []string{"PRAGMA wal_checkpoint(TRUNCATE)"}}
	s.close = func() {
		_ = db.Close()
		_ = os.RemoveAll(dir)
	}
	return s, s.fill(ctx, o, docket, o.data.LoadSQLite)
}

// fill makes the tables, the rows, and what the peers need beyond them.
func (s *store) fill(ctx context.Context, o options, docket string, load func(context.Context, *sql.DB) error, beyond ...string) error {
	start := time.Now()
	out, err := exec.CommandContext(ctx, docket, "migrate", "apply", "--database", s.url).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("migrate: %w\n%s", err, out)
	} else {
		err = load(ctx, s.db)
	}
	for _, text := range beyond {
		if err == nil {
			_, err = s.db.ExecContext(ctx, text)
		}
	}
	s.loaded = time.Since(start)
	if err != nil {
		s.close()
		return fmt.Errorf("%s: %w", s.kind, err)
	}
	fmt.Printf("%s: %d providers, %d clients, %d appointments, %d reservations in %v\n", s.kind, o.data.Providers,
		o.data.Clients(), o.data.Appointments(), o.data.Reservations(), s.loaded.Round(time.Second/10))
	return nil
}

// live counts the reservations that keep a slot from others now.
func (s *store) live(ctx context.Context, appointment int) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM reservations WHERE appointment_id = $1
		AND (state = 'CONFIRMED' OR state = 'HELD' AND expiry > $2)`, appointment, time.Now().UTC().Format("2006-01-02 15:04:05-07:00")).Scan(&n)
	return n, err
}

// reset takes back what a measurement wrote.
func (s *store) reset(ctx context.Context, data dataset.Scale) error {
	after := dataset.ReservationID(data.Reservations())
	if _, err := s.db.ExecContext(ctx, "DELETE FROM reservations WHERE id >= $1", after); err != nil {
		return err
	}
	for _, text := range s.clean {
		if _, err := s.db.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// count is the number of statements per request that n requests make; only
// PostgreSQL counts them.
func (s *store) count(ctx context.Context, n int, requests func() error) (float64, error) {
	if s.pid == 0 {
		return 0, nil
	}
	if _, err := s.db.ExecContext(ctx, "SELECT pg_stat_statements_reset()"); err != nil {
		return 0, err
	}
	if err := requests(); err != nil {
		return 0, err
	}
	var calls float64
	err := s.db.QueryRowContext(ctx, `SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
		WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&calls)
	return calls / float64(n), err
}

// counting turns the counting of statements on or off, for all connections.
func (s *store) counting(ctx context.Context, track string) error {
	if s.pid == 0 {
		return nil
	}
	for _, text := range []string{"ALTER SYSTEM SET pg_stat_statements.track = " + track, "SELECT pg_reload_conf()"} {
		if _, err := s.db.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	time.Sleep(time.Second / 5) // until all have been told
	return nil
}
