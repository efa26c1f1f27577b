package ratelimit

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Store keeps the debts of keys.
type Store interface {
	// Take takes one request of a key's quota, if one is left, and returns the
	// key's debt then. An error is that the store cannot tell.
	Take(key string, q Quota) (debt time.Duration, allowed bool, err error)
}

// maxKeys is how many keys are kept in memory, which is some 22 MB. Whoever has
// more addresses than that has more quotas, too.
const maxKeys = 1 << 16

// Memory is the store of one process. It forgets whom it did not see for longest.
type Memory struct {
	clock func() time.Time

	mu   sync.Mutex
	full *simplelru.LRU[string, time.Time] // when each key will have its whole quota again
}

// NewMemory makes an empty store. Times with a monotonic reading, as those of
// time.Now, make it safe from a clock that is set.
func NewMemory(clock func() time.Time) *Memory {
	full, _ := simplelru.NewLRU[string, time.Time](maxKeys, nil) // fails only for a size below 1
	return &Memory{clock: clock, full: full}
}

// Take never fails.
func (m *Memory) Take(key string, q Quota) (time.Duration, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	full, ok := m.full.Get(key)
	if !ok {
		full = now
	}
	debt, allowed := q.take(full.Sub(now))
	m.full.Add(key, now.Add(debt))
	return debt, allowed, nil
}
