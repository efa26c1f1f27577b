package gate

import "sync/atomic"

// contended remembers appointments that were refused lately because somebody
// else has them. It is a hint and no more: of two that share a place, the later
// is remembered.
type contended [1 << 10]atomic.Int64

func (c *contended) note(id int)     { c.place(id).Store(int64(id)) }
func (c *contended) has(id int) bool { return c.place(id).Load() == int64(id) }

func (c *contended) place(id int) *atomic.Int64 { return &c[uint(id)%uint(len(c))] }
