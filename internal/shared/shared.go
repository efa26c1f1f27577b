// Package shared is the memory that servers have together: a Redis, or a Valkey.
package shared

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// ErrAway is that the store does not answer.
var ErrAway = errors.New("the store that servers share is away")

const (
	retry       = time.Second // between looks whether a store that went away is back
	connections = 32          // at most, to the store
)

// Store is the shared memory. While it is away no request waits for it: one that
// finds it away has somebody look for it, aside.
type Store struct {
	what     string
	pool     *redis.Pool
	patience time.Duration
	clock    func() time.Time
	log      *slog.Logger

	mu    sync.Mutex
	away  bool
	look  time.Time // when to look for it, while it is away
	run   string    // which run of the program it is
	since time.Time // what was kept before may be lost
}

// Config is where a store is.
type Config struct {
	URL      string        // redis://[user:password@]host[:port][/db], or rediss:// for TLS
	What     string        // what it is for, as the log calls it
	Patience time.Duration // how long it may take to answer
	Clock    func() time.Time
	Log      *slog.Logger
}

// New does not connect: a store that is away at the start is as one that goes
// away later.
func New(c Config) *Store {
	s := &Store{what: c.What, patience: c.Patience, clock: c.Clock, log: c.Log}
	s.pool = &redis.Pool{
		MaxActive: connections, MaxIdle: connections, IdleTimeout: 5 * time.Minute, Wait: true,
		Dial: func() (redis.Conn, error) {
			conn, err := redis.DialURL(c.URL, redis.DialConnectTimeout(c.Patience), redis.DialTLSHandshakeTimeout(c.Patience),
				redis.DialReadTimeout(c.Patience), redis.DialWriteTimeout(c.Patience))
			if err != nil {
				return nil, err
			}
			if err := s.met(conn); err != nil {
				return nil, errors.Join(err, conn.Close())
			}
			return conn, nil
		},
		TestOnBorrow: func(conn redis.Conn, since time.Time) error {
			if time.Since(since) < retry {
				return nil
			}
			_, err := conn.Do("PING") // it may have been closed meanwhile
			return err
		},
	}
	return s
}

// Close ends the connections.
func (s *Store) Close() error { return s.pool.Close() }

// Do asks the store, and fails with ErrAway if that does.
func (s *Store) Do(ask func(redis.Conn) error) error {
	if !s.there() {
		return ErrAway
	}
	if err := s.ask(ask); err != nil {
		s.lost(err)
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return nil
}

// Since is from when on the store has all that it was given: one that was started
// again, or another in its place, may have lost what was before.
func (s *Store) Since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since
}

func (s *Store) ask(ask func(redis.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	conn, err := s.pool.GetContext(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return ask(conn)
}

// met finds out whether a new connection leads to the same memory as the others.
func (s *Store) met(conn redis.Conn) error {
	info, err := redis.String(conn.Do("INFO", "server"))
	if err != nil {
		return err
	}
	said := map[string]string{}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		said[name] = value
	}
	up, err := strconv.Atoi(said["uptime_in_seconds"])
	if err != nil {
		return fmt.Errorf("the store does not tell since when it runs: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch run := said["run_id"]; {
	case s.run == "":
		s.run, s.since = run, s.clock().Add(-time.Duration(up)*time.Second)
	case s.run != run:
		s.run, s.since = run, s.clock()
	}
	return nil
}

// there reports whether to ask the store. While it is away nobody does, but
// from time to time somebody looks.
func (s *Store) there() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.clock(); s.away && !now.Before(s.look) {
		s.look = now.Add(retry)
		go s.find()
	}
	return !s.away
}

// find has the store keep something: one that answers but keeps nothing, as a
// replica or one that is full, is away as well.
func (s *Store) find() {
	err := s.ask(func(conn redis.Conn) error {
		_, err := conn.Do("SET", "docket:look", 1, "PX", retry.Milliseconds())
		return err
	})
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		s.away = false
		s.log.Info(s.what + " is back")
	}
}

func (s *Store) lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.away {
		s.away, s.look = true, s.clock().Add(retry)
		s.log.Warn(s.what+" is away", "error", err)
	}
}
