// Package cache keeps what was used last, as much as a total weight allows:
// where others choose what is kept, a number of entries bounds nothing.
package cache

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Cache may be used by many goroutines.
type Cache[K comparable, V any] struct {
	most int

	mu     sync.Mutex
	weight int
	kept   *simplelru.LRU[K, entry[V]]
}

type entry[V any] struct {
	value  V
	weight int
}

// New makes a cache of entries that weigh at most so much together.
func New[K comparable, V any](most int) *Cache[K, V] {
	c := &Cache[K, V]{most: most}
	// Fails only for a size below 1; the weight bounds it.
	c.kept, _ = simplelru.NewLRU(math.MaxInt, func(_ K, e entry[V]) { c.weight -= e.weight })
	return c
}

// Get returns the value of a key, if it is kept.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.kept.Get(key)
	return e.value, ok
}

// Add keeps a value, and lets go of what was not used for longest. One that is
// heavier than all may be is not kept.
func (c *Cache[K, V]) Add(key K, value V, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept.Remove(key)
	if weight > c.most {
		return
	}
	c.kept.Add(key, entry[V]{value, weight})
	for c.weight += weight; c.weight > c.most; {
		c.kept.RemoveOldest()
	}
}
