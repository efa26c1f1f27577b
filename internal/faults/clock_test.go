package faults_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

// clock is that of one server. It runs, and is set forward and back.
type clock struct{ wrong atomic.Int64 }

func (c *clock) Now() time.Time          { return time.Now().Add(time.Duration(c.wrong.Load())) }
func (c *clock) set(wrong time.Duration) { c.wrong.Store(int64(wrong)) }

// Two servers disagree about the time by hours, and change their minds. The
// rules of booking hold: what a clock lets through, a constraint refuses.
func TestClocksStep(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name string) {
		rounds(t, func(t *testing.T, chance *rand.Rand) {
			url := newDatabase(t, name)
			serve(t, url).kill(t) // it has the tables then
			d := newDesk(t, url, chance)
			d.while(t, 6, func() {
				for range 40 {
					one(chance, d.clocks).set(between(chance, -3*time.Hour, 3*time.Hour))
					fault(t)
					time.Sleep(between(chance, 10*time.Millisecond, 100*time.Millisecond))
				}
			})
			d.balanced(t)
		})
	})
}
