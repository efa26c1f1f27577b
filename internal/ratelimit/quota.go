package ratelimit

import (
	"strconv"
	"time"
)

// Quota is how many requests may come in a window. They may come all at once;
// from then on one comes back each Window/Requests.
//
// That is the generic cell rate algorithm (GCRA, ITU-T I.371, Annex A): of each
// key one instant is kept, that at which it will have its whole quota again. How
// far that is ahead is its debt; a request adds to it, and must not make it
// longer than the window.
type Quota struct {
	Name     string        // what the answer's headers call it
	Requests int           // 0 is no limit
	Window   time.Duration // whole seconds: the headers know no other
}

// interval is the time in which one request comes back: whole microseconds, as
// Redis counts, so that a quota is the same in every store.
func (q Quota) interval() time.Duration {
	return (q.Window / time.Duration(q.Requests)).Truncate(time.Microsecond)
}

// most is the longest debt: that of a whole quota, the window but for rounding.
func (q Quota) most() time.Duration { return q.interval() * time.Duration(q.Requests) }

// take adds a request to a debt, if there is room. A debt that is longer than
// any can be is of a clock that was set back or of a larger quota: it is cut, so
// that nobody waits longer than the window.
func (q Quota) take(debt time.Duration) (time.Duration, bool) {
	debt = min(max(debt, 0), q.most())
	if debt+q.interval() > q.most() {
		return debt, false
	}
	return debt + q.interval(), true
}

// policy is the quota as a header (RateLimit-Policy, draft-ietf-httpapi-ratelimit-headers-11, 3).
func (q Quota) policy() string {
	return `"` + q.Name + `";q=` + strconv.Itoa(q.Requests) + `;w=` + strconv.Itoa(int(q.Window/time.Second))
}

// standing is where a key stands after a request.
type standing struct {
	quota     Quota
	allowed   bool
	remaining int
	next      time.Duration // until one more remains
}

func (q Quota) standing(debt time.Duration, allowed bool) standing {
	room := q.most() - debt
	return standing{quota: q, allowed: allowed, remaining: int(room / q.interval()), next: q.interval() - room%q.interval()}
}
