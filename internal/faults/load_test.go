package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

// load is some callers, and the world that they act in.
type load struct {
	*world
	callers []*caller
}

// newLoad makes providers with slots, and clients, before anything breaks.
func newLoad(t *testing.T, s *service, chance *rand.Rand, callers int) *load {
	t.Helper()
	l := &load{world: &world{start: time.Now().UTC().Truncate(time.Hour).Add(48 * time.Hour), keyed: keyed(t, s)}}
	transport := &http.Transport{MaxIdleConnsPerHost: callers}
	t.Cleanup(transport.CloseIdleConnections)
	for i := range callers {
		c := &caller{
			name: fmt.Sprintf("caller%d", i), chance: rand.New(rand.NewPCG(chance.Uint64(), 0)), //nolint:gosec // repeatable
			world: l.world, service: s, http: &http.Client{Transport: transport}, patient: 10 * time.Second, next: l.start,
		}
		l.callers = append(l.callers, c)
		if i == 0 {
			l.provider = c.made(t, "providerCreate", map[string]any{"firstName": "Pia", "lastName": "Wanted"})
			hot := c.open(t, l.provider, l.start)
			l.hot.Store(&hot)
		}
		c.provider = c.made(t, "providerCreate", map[string]any{"firstName": "Pia", "lastName": c.name})
		for range 3 {
			c.clients = append(c.clients, c.made(t, "clientCreate", map[string]any{"firstName": "Cleo"}))
		}
		c.extend(t)
		if len(c.slots) != span {
			t.Fatalf("%s has the slots %v", c.name, c.slots)
		}
	}
	return l
}

// keyed reports whether mutations take an idempotencyKey.
func keyed(t *testing.T, s *service) bool {
	t.Helper()
	var data struct {
		Type struct{ InputFields []struct{ Name string } } `json:"__type"`
	}
	problems, err := ask(t.Context(), http.DefaultClient, s.address(), `{ __type(name: "ReservationCreateInput") { inputFields { name } } }`, nil, &data)
	if err != nil || len(problems) > 0 || data.Type.InputFields == nil {
		t.Fatal("the service does not tell its schema: ", err, problems)
	}
	for _, f := range data.Type.InputFields {
		if f.Name == "idempotencyKey" {
			return true
		}
	}
	return false
}

// made does what has to work, and returns the id of the row.
func (c *caller) made(t *testing.T, verb string, input map[string]any) string {
	t.Helper()
	o := c.do(t, verb, input)
	if o.outcome != acknowledged {
		t.Fatalf("%s was answered with %q", verb, o.code)
	}
	return o.got.ID
}

// while has all callers act as long as f runs.
func (l *load) while(t *testing.T, f func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	for _, c := range l.callers {
		done.Go(func() {
			for ctx.Err() == nil {
				c.act(t)
				time.Sleep(l.pause)
			}
		})
	}
	defer done.Wait()
	defer stop()
	f()
}

// settled fails the test unless the service soon does again what it is for, for
// all. Whatever is still unknown is asked for once more then.
func (l *load) settled(t *testing.T) {
	t.Helper()
	const within = 15 * time.Second // on a machine with much else to do
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		well := 0
		for _, c := range l.callers {
			if c.do(t, "clientCreate", map[string]any{"firstName": "Ada"}).outcome == acknowledged {
				well++
			}
		}
		if well == len(l.callers) {
			break
		}
		if time.Now().After(end) {
			violation(t, "%v after the fault the service has not recovered", within)
			return
		}
	}
	for _, c := range l.callers {
		for _, o := range c.journal {
			o.late = o.outcome == unknown
			c.insist(t, o, time.Minute)
		}
	}
}
