package replica

import (
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gomodule/redigo/redis"

	"docket/internal/shared"
)

//go:embed note.lua
var note string

// Shared are positions that many servers know of.
type Shared struct {
	store *shared.Store
	note  *redis.Script
	keep  time.Duration
	clock func() time.Time
}

// NewShared keeps positions in the store with the URL, as in [shared.Config].
func NewShared(url string, keep, patience time.Duration, clock func() time.Time, log *slog.Logger) *Shared {
	store := shared.New(shared.Config{URL: url, What: "the store of what viewers wrote", Patience: patience, Clock: clock, Log: log})
	return &Shared{store: store, note: redis.NewScript(1, note), keep: keep, clock: clock}
}

// Close ends the connections.
func (s *Shared) Close() error { return s.store.Close() }

// Note fails with [shared.ErrAway] only.
func (s *Shared) Note(subject string, p Position) error {
	return s.store.Do(func(conn redis.Conn) error {
		_, err := s.note.Do(conn, key(subject), fmt.Sprintf("%010d.%020d", p.Timeline, p.Bytes), s.keep.Milliseconds())
		return err
	})
}

// Of fails where the store is away, and where it may have lost the answer.
func (s *Shared) Of(subject string) (p Position, err error) {
	err = s.store.Do(func(conn redis.Conn) error {
		text, err := redis.String(conn.Do("GET", key(subject)))
		if errors.Is(err, redis.ErrNil) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = fmt.Sscanf(text, "%d.%d", &p.Timeline, &p.Bytes)
		return err
	})
	if err == nil && s.clock().Sub(s.store.Since()) < s.keep {
		err = errForgot
	}
	return p, err
}
