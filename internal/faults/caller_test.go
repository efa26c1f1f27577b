package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// slot is how long a slot lasts, and span how many are opened at a time.
const (
	slot = 15 * time.Minute
	span = 16
)

// deadline is how long a request may take, and late how much more its answer.
const (
	deadline = 5 * time.Second
	late     = 5 * time.Second
)

// patience is for how long a caller asks again while others are waiting.
const patience = 500 * time.Millisecond

// caller is a load client: it does one thing after the other, for clients and
// for a provider of its own, and notes all of it.
type caller struct {
	name    string
	chance  *rand.Rand
	world   *world
	service *service
	http    *http.Client
	patient time.Duration // how long it waits for an answer

	clients  []string
	provider string
	next     time.Time // where the provider's next slots start
	slots    []string  // of the provider, as far as the caller knows
	mine     []string  // reservations
	journal  []*operation
}

// world is what all callers share.
type world struct {
	keyed    bool // mutations take an idempotencyKey
	start    time.Time
	provider string                   // whose slots all callers want
	hot      atomic.Pointer[[]string] // those slots
	pause    time.Duration            // after each thing that a caller does
	seen     *outage                  // what callers saw of the service, where that is measured
}

// do asks for an operation and notes it; what stays unknown, it asks for again.
func (c *caller) do(t *testing.T, verb string, input map[string]any) *operation {
	t.Helper()
	o := c.once(t, verb, input)
	c.insist(t, o, patience)
	return o
}

// once asks for an operation once.
func (c *caller) once(t *testing.T, verb string, input map[string]any) *operation {
	t.Helper()
	o := &operation{key: fmt.Sprintf("%s-%d", c.name, len(c.journal)), verb: verb, input: input}
	if verb == "clientCreate" {
		input["lastName"] = o.key
	}
	c.journal = append(c.journal, o)
	c.perform(t, o)
	return o
}

// insist asks for an operation again until it is known what came of it: then it
// was done once, or not at all. That takes an API with idempotencyKeys. While the
// fault lasts nobody may know: what is left is asked for when it is over.
func (c *caller) insist(t *testing.T, o *operation, within time.Duration) {
	t.Helper()
	for end := time.Now().Add(within); c.world.keyed && o.outcome == unknown && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		c.perform(t, o)
		totals.add(t, func(l *tally) { l.repeated++ })
	}
}

func (c *caller) perform(t *testing.T, o *operation) {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), c.patient)
	defer cancel()
	if !o.perform(ctx, c.http, c.service.address, c.world.keyed) {
		violation(t, "%s %v was answered with %q", o.verb, o.input, o.code)
	}
	if took := time.Since(start); took > deadline+late {
		violation(t, "%s %v took %v", o.verb, o.input, took)
	}
	c.world.seen.write(o)
}

// reserve reserves a slot for one of the caller's clients.
func (c *caller) reserve(t *testing.T, slots []string) {
	t.Helper()
	in := map[string]any{"clientId": one(c.chance, c.clients), "appointmentId": one(c.chance, slots)}
	if o := c.do(t, "reservationCreate", in); o.outcome == acknowledged {
		c.mine = append(c.mine, o.got.ID)
	}
}

// on does a verb on one of the caller's reservations.
func (c *caller) on(t *testing.T, verb string, to []string) {
	t.Helper()
	if len(c.mine) == 0 {
		c.reserve(t, c.slots)
		return
	}
	in := map[string]any{"reservationId": one(c.chance, c.mine)}
	if to != nil {
		in["appointmentId"] = one(c.chance, to)
	}
	c.do(t, verb, in)
}

// open opens slots of a provider, and returns those that are open.
func (c *caller) open(t *testing.T, provider string, start time.Time) []string {
	t.Helper()
	o := c.do(t, "appointmentBulkCreate", map[string]any{
		"providerId": provider, "startTime": start.Format(time.RFC3339), "endTime": start.Add(span * slot).Format(time.RFC3339),
	})
	var ids []string
	for _, e := range o.got.Edges {
		ids = append(ids, e.Node.ID)
	}
	return ids
}

// extend opens the provider's next slots. Where it is not known whether that
// was done, as often as not the caller asks again.
func (c *caller) extend(t *testing.T) {
	t.Helper()
	ids := c.open(t, c.provider, c.next)
	if ids == nil && c.chance.IntN(2) == 0 {
		ids = c.open(t, c.provider, c.next)
	}
	c.slots = append(c.slots, ids...)
	c.next = c.next.Add(span * slot)
}

// withdraw withdraws a slot of the caller's provider, or one that all want and
// then opens that again.
func (c *caller) withdraw(t *testing.T) {
	t.Helper()
	hot := *c.world.hot.Load()
	if c.chance.IntN(3) > 0 {
		i := c.chance.IntN(len(c.slots))
		c.do(t, "appointmentCancel", map[string]any{"appointmentId": c.slots[i]})
		return
	}
	c.do(t, "appointmentCancel", map[string]any{"appointmentId": one(c.chance, hot)})
	if ids := c.open(t, c.world.provider, c.world.start); ids != nil {
		c.world.hot.Store(&ids)
	}
}

// read reads what is free. It may fail, but only as faults are to show.
func (c *caller) read(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), c.patient)
	defer cancel()
	start := time.Now()
	problems, err := ask(ctx, c.http, c.service.address(), "{ availableAppointments(first: 20) { edges { node { id timeSlot } } } }", nil, nil)
	if took := time.Since(start); took > deadline+late {
		violation(t, "a read took %v", took)
	}
	if err == nil && len(problems) > 0 && !problems[0].Extensions.Retryable {
		violation(t, "a read was answered with %+v", problems[0])
	}
	c.world.seen.read(problems, err)
}

// act does one thing by chance.
func (c *caller) act(t *testing.T) {
	t.Helper()
	hot := *c.world.hot.Load()
	switch n := c.chance.IntN(100); {
	case n < 25:
		c.reserve(t, c.slots)
	case n < 40:
		c.reserve(t, hot)
	case n < 52:
		c.on(t, "reservationConfirm", nil)
	case n < 64:
		c.on(t, "reservationCancel", nil)
	case n < 74:
		c.on(t, "reservationReschedule", c.slots)
	case n < 79:
		c.on(t, "reservationReschedule", hot)
	case n < 84:
		c.withdraw(t)
	case n < 88:
		c.extend(t)
	case n < 90: // across slots that are open, as a rule
		c.open(t, c.provider, c.world.start.Add(5*time.Minute))
	case n < 94:
		c.do(t, "clientCreate", map[string]any{"firstName": "Ada"})
	case n < 95: // refused
		c.do(t, "clientCreate", map[string]any{"firstName": ""})
	default:
		c.read(t)
	}
}

// one is any of some.
func one[T any](chance *rand.Rand, of []T) T { return of[chance.IntN(len(of))] }
