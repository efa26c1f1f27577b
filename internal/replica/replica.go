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
	Lag        time.Duration // how far behind a replica that is read may be
	Positions  Positions
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
	marks    marks // of its watch alone
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
		if r.DB, err = database.Open(url); err != nil {
			return s, err
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

// open opens a database for those who watch it.
func open(url string, connections int) (*database.DB, error) {
	db, err := database.Open(url)
	if err != nil {
		return nil, fmt.Errorf("a replica: %w", err)
	}
	db.SetMaxOpenConns(connections)
	return db, nil
}

// Close ends the watches and the connections to replicas, not those to the primary.
func (s *Set) Close() error {
	s.stop()
	s.watches.Wait()
	var errs []error
	if s.watched != nil {
		errs = append(errs, s.watched.Close())
	}
	for _, r := range s.replicas {
		errs = append(errs, r.Close())
		if r.watched != nil {
			errs = append(errs, r.watched.Close())
		}
	}
	if c, ok := s.positions.(io.Closer); ok {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
