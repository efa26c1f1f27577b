package faults_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/gate"
	"docket/internal/overlap"
	"docket/internal/scalar"
	"docket/internal/txn"
	"docket/internal/viewer"
)

// desk is two gates on one database, each with connections and a clock of its
// own, and what they have granted.
type desk struct {
	db     *database.DB
	gates  []*server
	clocks []*clock
	chance *rand.Rand
	start  time.Time

	clients, providers []int

	mu        sync.Mutex
	slots     []int
	last      []int        // reservations, in their order
	made      map[int]int  // client by reservation
	confirmed map[int]bool // reservations
}

// server is a gate, and its connections.
type server struct {
	*gate.Gate
	DB *orm.Client
}

// do performs a verb in a transaction of its own.
func (s *server) do(ctx context.Context, verb func(tx *orm.Tx) (int, error)) (int, error) {
	return txn.Do(ctx, s.DB, verb)
}

func newDesk(t *testing.T, url string, chance *rand.Rand) *desk {
	t.Helper()
	d := &desk{
		db: dbtest.At(t, url), chance: chance, start: time.Now().UTC().Truncate(time.Hour).Add(240 * time.Hour),
		made: map[int]int{}, confirmed: map[int]bool{},
	}
	for range 2 {
		c := &clock{}
		d.clocks = append(d.clocks, c)
		d.gates = append(d.gates, &server{&gate.Gate{
			Rules: booking.DefaultRules(), Clock: c.Now, Log: slog.New(slog.DiscardHandler),
		}, dbtest.At(t, url).ORM()})
	}
	ctx, g := d.request(t, 0)
	clients, err := g.DB.Customer.MapCreateBulk(make([]int, 5), func(c *orm.CustomerCreate, _ int) {
		c.SetFirstName("Cleo").SetLastName("Client")
	}).Save(ctx)
	d.must(t, err)
	for _, c := range clients {
		d.clients = append(d.clients, c.ID)
	}
	providers, err := g.DB.Provider.MapCreateBulk(make([]int, 2), func(p *orm.ProviderCreate, _ int) {
		p.SetFirstName("Pia").SetLastName("Provider")
	}).Save(ctx)
	d.must(t, err)
	for i, p := range providers { // shifted, so that slots overlap without being equal
		d.providers = append(d.providers, p.ID)
		from := d.start.Add(time.Duration(i) * 5 * time.Minute)
		_, err := g.do(ctx, func(tx *orm.Tx) (int, error) { return 0, g.Open(ctx, tx, p.ID, from, from.Add(6*slot)) })
		d.must(t, err)
	}
	d.slots, err = g.DB.Appointment.Query().IDs(ctx)
	d.must(t, err)
	return d
}

func (*desk) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// request is one to a gate, at its present.
func (d *desk) request(t *testing.T, i int) (context.Context, *server) {
	t.Helper()
	g := d.gates[i]
	return booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: booking.Instant(g.Clock()), Rules: g.Rules}), g
}

// while has workers do anything at any gate, as long as f runs.
func (d *desk) while(t *testing.T, workers int, f func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	for range workers {
		chance := rand.New(rand.NewPCG(d.chance.Uint64(), 0)) //nolint:gosec // repeatable
		done.Go(func() {
			for ctx.Err() == nil {
				d.act(t, chance)
			}
		})
	}
	defer done.Wait()
	defer stop()
	f()
}

// act does one verb by chance, and notes what was granted.
func (d *desk) act(t *testing.T, chance *rand.Rand) {
	t.Helper()
	ctx, g := d.request(t, chance.IntN(len(d.gates)))
	r, to := d.any(chance)
	var verb func(tx *orm.Tx) (int, error)
	granted := func(int) {}
	switch n := chance.IntN(20); {
	case n < 8 || r == 0:
		client := one(chance, d.clients)
		verb = func(tx *orm.Tx) (int, error) { return g.Reserve(ctx, tx, client, to) }
		granted = func(id int) { d.made[id], d.last = client, append(d.last, id) }
	case n < 11:
		verb = func(tx *orm.Tx) (int, error) { return r, g.Confirm(ctx, tx, r, nil) }
		granted = func(id int) { d.confirmed[id] = true }
	case n < 14:
		verb = func(tx *orm.Tx) (int, error) { return r, g.Cancel(ctx, tx, r, nil) }
	case n < 17:
		verb = func(tx *orm.Tx) (int, error) { return r, g.Reschedule(ctx, tx, r, to, nil) }
	case n < 19:
		verb = func(tx *orm.Tx) (int, error) { return to, g.CancelAppointment(ctx, tx, to, nil) }
	default:
		from, provider := d.start.Add(time.Duration(chance.IntN(4))*5*time.Minute), one(chance, d.providers)
		verb = func(tx *orm.Tx) (int, error) { return 0, g.Open(ctx, tx, provider, from, from.Add(6*slot)) }
		granted = func(int) {
			ids, _ := g.DB.Appointment.Query().Where(appointment.StatusEQ(appointment.StatusOPEN)).IDs(ctx)
			d.slots = append(ids, d.slots[0])
		}
	}
	id, err := g.do(ctx, verb)
	if err == nil {
		d.note(func() { granted(id) })
	}
	d.judge(t, err)
}

func (d *desk) note(grant func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	grant()
}

// any is a reservation, one of the last, and a slot; 0 where there is none.
func (d *desk) any(chance *rand.Rand) (reservation, slot int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.last); n > 0 {
		reservation = d.last[n-1-chance.IntN(min(n, 20))]
	}
	return reservation, one(chance, d.slots)
}

// judge counts an outcome. What is not granted has to be refused by a rule.
func (d *desk) judge(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.As(err, new(*booking.Refusal)) && !errors.As(err, new(*overlap.Conflict)) {
		violation(t, "a verb failed: %v", err)
	}
	totals.add(t, func(l *tally) {
		l.attempts++
		if err == nil {
			l.acknowledged++
		} else {
			l.refused++
		}
	})
}

// balanced fails the test where rows break a rule, or are not what was granted.
func (d *desk) balanced(t *testing.T) {
	t.Helper()
	totals.add(t, func(l *tally) { l.rounds++ })
	for _, wrong := range unlawful(t, d.db) {
		violation(t, "%s", wrong)
	}
	found := stored(t, d.db).reservations
	for id, client := range d.made {
		r := found[scalar.FormatID(id)]
		if r == nil || r.client != scalar.FormatID(client) || d.confirmed[id] != r.confirmed {
			violation(t, "the reservation %d of %d (confirmed: %v) is %+v", id, client, d.confirmed[id], r)
		}
	}
	if len(found) != len(d.made) {
		violation(t, "%d reservations were granted, %d are there", len(d.made), len(found))
	}
}
