package replica

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"sync"
	"time"
)

// Position is a place in PostgreSQL's log. A primary that takes the place of
// another begins a timeline, on which places may come again.
type Position struct {
	Timeline uint32
	Bytes    uint64 // pg_lsn
}

// unknown is beyond any place: no replica has come so far.
var unknown = Position{math.MaxUint32, math.MaxUint64}

// covers reports whether who has come so far has all that was written up to p. A
// place of an earlier timeline is covered, too, or nobody has it any more.
func (has Position) covers(p Position) bool {
	return has.Timeline >= p.Timeline && has.Bytes >= p.Bytes
}

// compare orders places by when they were written.
func (has Position) compare(p Position) int {
	return cmp.Or(cmp.Compare(has.Timeline, p.Timeline), cmp.Compare(has.Bytes, p.Bytes))
}

// Positions keep how far in the log viewers have written, by their subjects.
type Positions interface {
	// Note keeps a position, unless a later one is kept.
	Note(subject string, p Position) error
	// Of is how far the viewer has written; nowhere, where that is long ago. An error is
	// that nobody can tell.
	Of(subject string) (Position, error)
}

// Memory are the positions that one server knows of. They are kept for as long as
// a replica that is read can lack them.
type Memory struct {
	keep  time.Duration
	clock func() time.Time

	mu    sync.Mutex
	noted map[string]noted
	sweep time.Time
}

type noted struct {
	position Position
	until    time.Time
}

// NewMemory makes an empty one.
func NewMemory(keep time.Duration, clock func() time.Time) *Memory {
	return &Memory{keep: keep, clock: clock, noted: map[string]noted{}}
}

// Note never fails.
func (m *Memory) Note(subject string, p Position) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	if now.After(m.sweep) {
		for subject, n := range m.noted {
			if now.After(n.until) {
				delete(m.noted, subject)
			}
		}
		m.sweep = now.Add(m.keep)
	}
	if kept := m.noted[subject].position; kept.compare(p) > 0 {
		p = kept
	}
	m.noted[subject] = noted{p, now.Add(m.keep)}
	return nil
}

// Of never fails.
func (m *Memory) Of(subject string) (Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.noted[subject]
	if m.clock().After(n.until) {
		return Position{}, nil
	}
	return n.position, nil
}

// errForgot is that a shared store may have lost what is asked for.
var errForgot = errors.New("the store that servers share has not been there for long enough")

// key has one length, and does not tell the subject to who reads the store.
func key(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return "docket:position:" + base64.RawURLEncoding.EncodeToString(sum[:])
}
