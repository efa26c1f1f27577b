package faults_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"docket/internal/dbtest"
	"docket/internal/pgtest"
)

// Connections are cut at any moment, and between a COMMIT and its answer.
func TestConnectionsCut(t *testing.T) {
	t.Parallel()
	server := pgtest.NewDurable(t)
	rounds(t, func(t *testing.T, chance *rand.Rand) {
		name := fresh(t, server)
		p := newProxy(t, server, chance)
		s := serve(t, p.url(name))
		l := newLoad(t, s, chance, 6)
		l.while(t, func() {
			for n := 0; n < 8 || n < 80 && p.losses() == 0; n++ { // a busy machine commits little
				p.set(between(chance, 0, 3*time.Millisecond), chance.Float64()/4)
				time.Sleep(between(chance, 100*time.Millisecond, 600*time.Millisecond))
				p.cut()
				fault(t)
			}
		})
		p.set(0, 0)
		totals.add(t, func(l *tally) { l.faults += p.losses() })
		if p.losses() == 0 {
			t.Error("no answer to a COMMIT was lost")
		}
		l.settled(t)
		l.balanced(t, dbtest.At(t, server.DSN(name)))
	})
}

// Connections that died while nobody used them cost nobody an answer.
func TestIdleConnectionsCut(t *testing.T) {
	t.Parallel()
	server := pgtest.NewDurable(t)
	rounds(t, func(t *testing.T, chance *rand.Rand) {
		name := fresh(t, server)
		p := newProxy(t, server, chance)
		l := newLoad(t, serve(t, p.url(name)), chance, 20)
		for range 3 {
			l.together(t, (*caller).read) // on connections of their own
			p.cut()
			fault(t)
			l.together(t, func(c *caller, t *testing.T) { c.answered(t) })
			p.cut()
			fault(t)
			l.together(t, func(c *caller, t *testing.T) { c.made(t, "clientCreate", map[string]any{"firstName": "Ada"}) })
		}
		l.balanced(t, dbtest.At(t, server.DSN(name)))
	})
}

// together has each caller do something, all at once.
func (l *load) together(t *testing.T, do func(*caller, *testing.T)) {
	t.Helper()
	var all sync.WaitGroup
	for _, c := range l.callers {
		all.Go(func() { do(c, t) })
	}
	all.Wait()
}

// answered fails the test unless a read is answered.
func (c *caller) answered(t *testing.T) {
	t.Helper()
	problems, err := ask(t.Context(), c.http, c.service.address(), "{ clients(first: 1) { totalCount } }", nil, nil)
	if err != nil || len(problems) > 0 {
		violation(t, "a read was answered with %v %+v", err, problems)
	}
}

// The network to PostgreSQL goes silent: nothing arrives, nothing is refused.
// Requests end when somebody gives them up, or when they have to; and when the
// network is back, so is the service.
func TestSilentNetwork(t *testing.T) {
	t.Parallel()
	server := pgtest.NewDurable(t)
	rounds(t, func(t *testing.T, chance *rand.Rand) {
		name := fresh(t, server)
		p := newProxy(t, server, chance)
		s := serve(t, p.url(name))
		l := newLoad(t, s, chance, 8)
		for i, c := range l.callers {
			if c.patient = time.Second; i < len(l.callers)/2 {
				c.patient = 2 * deadline
			}
		}
		l.while(t, func() {
			time.Sleep(300 * time.Millisecond)
			p.silence()
			fault(t)
			time.Sleep(deadline + late + 2*time.Second) // whoever waits for the end of it is too late
			p.through()
		})
		l.settled(t)
		l.balanced(t, dbtest.At(t, server.DSN(name)))
	})
}
