package faults_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// outage is what callers see of a service while something is broken: for how long
// nothing succeeds, and what they are told.
type outage struct {
	mu            sync.Mutex
	writes, reads gap
	codes         map[string]int // of answers that say that the service does not work
}

// gap is the time from one success to the next.
type gap struct {
	last    time.Time
	longest time.Duration
}

func (g *gap) success(now time.Time) {
	if !g.last.IsZero() {
		g.longest = max(g.longest, now.Sub(g.last))
	}
	g.last = now
}

// write notes the outcome of a mutation. To be refused by a rule is no failure.
func (u *outage) write(o *operation) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case o.outcome == acknowledged:
		u.writes.success(time.Now())
	case o.outcome == unknown || !slices.Contains(refusals, o.code):
		u.codes["mutations: "+told(o.code)]++
	}
}

// read notes the outcome of a query.
func (u *outage) read(problems []problem, err error) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case err != nil:
		u.codes["queries: "+told("")]++
	case len(problems) > 0:
		u.codes["queries: "+told(problems[0].Extensions.Code)]++
	default:
		u.reads.success(time.Now())
	}
}

func told(code string) string {
	if code == "" {
		return "no answer"
	}
	return code
}

// since reports whether a mutation has succeeded since.
func (u *outage) since(moment time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.writes.last.After(moment)
}

// String is the figures, on one line.
func (u *outage) String() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var codes []string
	for _, code := range slices.Sorted(maps.Keys(u.codes)) {
		codes = append(codes, fmt.Sprintf("%s %d", code, u.codes[code]))
	}
	return fmt.Sprintf("no mutation succeeded for %.1f s, no query for %.1f s; failed: %s",
		u.writes.longest.Seconds(), u.reads.longest.Seconds(), strings.Join(codes, ", "))
}
