package ratelimit

import (
	_ "embed"
	"fmt"
	"log/slog"
	"time"

	"github.com/gomodule/redigo/redis"

	"docket/internal/shared"
)

const (
	retry     = time.Second // in which a store that went away may be back
	namespace = "docket:rate:"
)

//go:embed take.lua
var take string

// Shared is a store in which many servers count together. While it is away, each
// counts by itself, or none lets anything pass.
type Shared struct {
	store *shared.Store
	take  *redis.Script
	alone *Memory // nil: nothing passes
}

// SharedConfig is where a shared store is, and what to do without it.
type SharedConfig struct {
	URL      string        // as in [shared.Config]
	Patience time.Duration // how long it may take to answer
	Refuse   bool          // refuse requests while it is away, rather than count them in memory
	Clock    func() time.Time
	Log      *slog.Logger
}

// NewShared does not connect.
func NewShared(c SharedConfig) *Shared {
	s := &Shared{take: redis.NewScript(1, take)}
	s.store = shared.New(shared.Config{
		URL: c.URL, What: "the store of rate limits", Patience: c.Patience, Clock: c.Clock, Log: c.Log.With("refusing", c.Refuse),
	})
	if !c.Refuse {
		s.alone = NewMemory(c.Clock)
	}
	return s
}

// Close ends the connections.
func (s *Shared) Close() error { return s.store.Close() }

// Take fails with [shared.ErrAway] only.
func (s *Shared) Take(key string, q Quota) (debt time.Duration, allowed bool, err error) {
	err = s.store.Do(func(conn redis.Conn) error {
		reply, err := redis.Int64s(s.take.Do(conn, namespace+key, q.interval().Microseconds(), q.most().Microseconds()))
		if err != nil {
			return err
		}
		if len(reply) != 2 {
			return fmt.Errorf("the script returned %v", reply)
		}
		debt, allowed = time.Duration(reply[1])*time.Microsecond, reply[0] == 1
		return nil
	})
	if err == nil || s.alone == nil {
		return debt, allowed, err
	}
	return s.alone.Take(key, q)
}
