package ratelimit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// ErrAway is that the shared store does not answer.
var ErrAway = errors.New("the store of rate limits is away")

const (
	retry       = time.Second // between looks whether a store that went away is back
	connections = 32          // at most, to the store
	namespace   = "docket:rate:"
)

//go:embed take.lua
var take string

// Shared is a Redis, or a Valkey, in which many servers count together. While
// it is away, each counts by itself, or none lets anything pass. Then no request
// waits for it: one that finds it away has somebody look for it, aside.
type Shared struct {
	pool     *redis.Pool
	take     *redis.Script
	patience time.Duration
	alone    *Memory // nil: nothing passes
	clock    func() time.Time
	log      *slog.Logger

	mu   sync.Mutex
	away bool
	look time.Time // when to look for it, while it is away
}

// SharedConfig is where a shared store is, and what to do without it.
type SharedConfig struct {
	URL      string        // redis://[user:password@]host[:port][/db], or rediss:// for TLS
	Patience time.Duration // how long it may take to answer
	Refuse   bool          // refuse requests while it is away, rather than count them in memory
	Clock    func() time.Time
	Log      *slog.Logger
}

// NewShared does not connect: a store that is away at the start is as one that
// goes away later.
func NewShared(c SharedConfig) *Shared {
	s := &Shared{take: redis.NewScript(1, take), patience: c.Patience, clock: c.Clock, log: c.Log}
	if !c.Refuse {
		s.alone = NewMemory(c.Clock)
	}
	s.pool = &redis.Pool{
		MaxActive: connections, MaxIdle: connections, IdleTimeout: 5 * time.Minute, Wait: true,
		Dial: func() (redis.Conn, error) {
			return redis.DialURL(c.URL, redis.DialConnectTimeout(c.Patience), redis.DialTLSHandshakeTimeout(c.Patience),
				redis.DialReadTimeout(c.Patience), redis.DialWriteTimeout(c.Patience))
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
func (s *Shared) Close() error { return s.pool.Close() }

// Take fails with ErrAway only.
func (s *Shared) Take(key string, q Quota) (time.Duration, bool, error) {
	if s.there() {
		debt, allowed, err := s.ask(key, q)
		if err == nil {
			return debt, allowed, nil
		}
		s.lost(err)
	}
	if s.alone == nil {
		return 0, false, ErrAway
	}
	return s.alone.Take(key, q)
}

func (s *Shared) ask(key string, q Quota) (time.Duration, bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	conn, err := s.pool.GetContext(ctx)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = conn.Close() }()
	reply, err := redis.Int64s(s.take.Do(conn, namespace+key, q.interval().Microseconds(), q.most().Microseconds()))
	if err != nil {
		return 0, false, err
	}
	if len(reply) != 2 {
		return 0, false, fmt.Errorf("the script returned %v", reply)
	}
	return time.Duration(reply[1]) * time.Microsecond, reply[0] == 1, nil
}

// there reports whether to ask the store. While it is away nobody does, but
// from time to time somebody looks.
func (s *Shared) there() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.clock(); s.away && !now.Before(s.look) {
		s.look = now.Add(retry)
		go s.find()
	}
	return !s.away
}

// find takes a request of nobody: a store that answers but keeps nothing, as a
// replica or one that is full, is away as well.
func (s *Shared) find() {
	if _, _, err := s.ask("nobody", Quota{Requests: 1, Window: time.Second}); err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		s.away = false
		s.log.Info("the store of rate limits is back")
	}
}

func (s *Shared) lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.away {
		s.away, s.look = true, s.clock().Add(retry)
		s.log.Warn("the store of rate limits is away", "error", err, "refusing", s.alone == nil)
	}
}
