// Package replica reads from servers that follow the primary, where nobody can
// tell the difference by what they have written themselves.
//
// A [Set] is where the planner reads. A goroutine for each replica asks it and the
// primary, ten times a second, how far in the log they are (watch.go). A read goes
// to a replica that is not further behind than it may be, and that has replayed
// what the viewer has written (read.go). How far that is, is noted before their
// mutation is answered, where all servers find it (request.go, position.go).
// Whatever is not certain is read from the primary.
package replica

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"docket/internal/database"
)

// Config is what a set is made of.
type Config struct {
	Primary    *database.DB
	PrimaryURL string // to watch it over connections of its own
	URLs       []string
	Most       int           // connections for reads to each replica; 0 for the default
	Lag        time.Duration // how far behind a replica that is read may be
	Positions  Positions
	Observers  []database.Observer // of what is read from replicas
	Clock      func() time.Time
	Log        *slog.Logger
}

// Set is a primary with its replicas. It may be used by many goroutines.
type Set struct {
	primary   database.Reads
	asked     *database.DB // the primary
	watched   *database.DB // the primary, over connections of its own: others may take up the pool
	replicas  []*replica
	positions Positions
	lag       time.Duration
	clock     func() time.Time
	log       *slog.Logger
	nobody    atomic.Uint64 // requests of those who did not say who they are

	stop    context.CancelFunc
	watches sync.WaitGroup
}

// replica is a server that follows the primary.
type replica struct {
	*database.DB
	reads    database.Reads
	watched  *database.DB
	standing atomic.Pointer[standing]
	opened   atomic.Uint64 // connections for reads, ever
	marks    marks         // of its watch alone
	looked   uint64        // connections for reads when it was looked whether a pooler mixes them; of its watch alone
}

// Open opens the replicas and watches them until it is closed. One that is away
// is as one that goes away later.
func Open(c Config) (s *Set, err error) {
	s = &Set{
		primary: c.Primary.Reads(), asked: c.Primary, positions: c.Positions, lag: c.Lag, clock: c.Clock, log: c.Log, stop: func() {},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if len(c.URLs) == 0 {
		return s, nil
	}
	if s.watched, err = open(c.PrimaryURL, len(c.URLs)); err != nil {
		return s, err
	}
	for _, url := range c.URLs {
		r := &replica{}
		if r.DB, err = database.Open(url, append([]database.Observer{connecting{r}}, c.Observers...)...); err != nil {
			return s, err
		}
		if c.Most > 0 {
			r.Limit(c.Most)
		}
		r.reads = r.Reads()
		s.replicas = append(s.replicas, r)
		if r.watched, err = open(url, 1); err != nil {
			return s, err
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for _, r := range s.replicas {
		s.watches.Go(func() { s.watch(ctx, r) })
	}
	return s, nil
}

// connecting counts the connections for reads.
type connecting struct{ *replica }

// Statement is told of a statement.
func (c connecting) Statement(_ context.Context, text string, _ []driver.NamedValue) func(rows int64, err error) {
	if text != "CONNECT" {
		return nil
	}
	return func(_ int64, err error) {
		if err == nil {
			c.opened.Add(1)
		}
	}
}

// open opens a database for those who watch it.
func open(url string, connections int) (*database.DB, error) {
	db, err := database.Open(url)
	if err != nil {
		return nil, fmt.Errorf("a replica: %w", err)
	}
	db.SetMaxOpenConns(connections)
	return db, nil
}

// Replicas are those that were given, in their order, whether or not they are read.
func (s *Set) Replicas() (all []*database.DB) {
	for _, r := range s.replicas {
		all = append(all, r.DB)
	}
	return all
}

// Close ends the watches and the connections to replicas, not those to the primary.
func (s *Set) Close() error {
	s.stop()
	s.watches.Wait()
	open := []*database.DB{s.watched}
	for _, r := range s.replicas {
		open = append(open, r.DB, r.watched)
	}
	for _, db := range open {
		if db != nil {
			_ = db.Close() // who cannot be told has nothing to lose: these only read
		}
	}
	if c, ok := s.positions.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
