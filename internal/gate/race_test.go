package gate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/ent/orm/reservation"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/gate"
)

// race is setup for many at a time: the clock goes on with every reading.
func race(t *testing.T, db *database.DB) *bundle {
	t.Helper()
	b := setup(t, db)
	b.clock.step = time.Millisecond
	return b
}

// together does all at once and returns what each came to, in their order.
func together(all ...func() error) []error {
	errs := make([]error, len(all))
	start := make(chan struct{})
	var done sync.WaitGroup
	for i, do := range all {
		done.Go(func() {
			<-start
			errs[i] = do()
		})
	}
	close(start)
	done.Wait()
	return errs
}

// each is n things to do together.
func each(n int, do func(i int) error) (all []func() error) {
	for i := range n {
		all = append(all, func() error { return do(i) })
	}
	return all
}

// tally counts the codes of refusals; what was granted has none. Any other
// error fails the test.
func tally(t *testing.T, errs []error) map[booking.Code]int {
	t.Helper()
	counts := map[booking.Code]int{}
	for _, err := range errs {
		counts[codeOf(t, err)]++
	}
	return counts
}

func (b *bundle) clients(t *testing.T, n int) []int {
	t.Helper()
	made, err := b.DB.Customer.MapCreateBulk(make([]struct{}, n), func(c *orm.CustomerCreate, i int) {
		c.SetFirstName("Cleo").SetLastName(fmt.Sprint("the ", i))
	}).Save(b.request(t))
	must(t, err)
	ids := make([]int, n)
	for i, c := range made {
		ids[i] = c.ID
	}
	return ids
}

const (
	// overlapping claims: both last at all, and they share an instant.
	claimsOverlap = `(a.active_until IS NULL OR a.active_from < a.active_until) AND (b.active_until IS NULL OR b.active_from < b.active_until)
		AND (b.active_until IS NULL OR a.active_from < b.active_until) AND (a.active_until IS NULL OR b.active_from < a.active_until)`
	slotsOverlap = "a.time_slot < b.ends_at AND b.time_slot < a.ends_at"
)

// violations counts the pairs of rows that must not be, past ones included.
func (b *bundle) violations(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for what, pairs := range map[string]string{
		"two have a slot":           "reservations AS a JOIN reservations AS b ON a.id < b.id AND a.appointment_id = b.appointment_id WHERE " + claimsOverlap,
		"a client at two places":    "reservations AS a JOIN reservations AS b ON a.id < b.id AND a.client_id = b.client_id WHERE " + slotsOverlap + " AND " + claimsOverlap,
		"a provider at two places":  "appointments AS a JOIN appointments AS b ON a.id < b.id AND a.provider_id = b.provider_id WHERE " + slotsOverlap + " AND a.status = 'OPEN' AND b.status = 'OPEN'",
		"somebody has what is gone": "reservations AS a JOIN appointments AS b ON a.appointment_id = b.id WHERE b.status = 'CANCELLED' AND a.state = 'CONFIRMED'",
	} {
		var n int
		must(t, b.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+pairs).Scan(&n))
		if n > 0 {
			found[what] = n
		}
	}
	return found
}

// sound fails the test if the race left what must not be, if a constraint had
// to step in, or if there were deadlocks: they would only cost time, but the
// order of locks is there to prevent them.
func (b *bundle) sound(t *testing.T) {
	t.Helper()
	for what, n := range b.violations(t) {
		t.Errorf("%s: %d times", what, n)
	}
	b.log.silent(t)
	if b.db.Dialect == dialect.Postgres {
		var deadlocks int
		must(t, b.db.QueryRowContext(t.Context(), "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(&deadlocks))
		if deadlocks > 0 {
			t.Errorf("%d deadlocks", deadlocks)
		}
	}
}

// ungated removes the constraints behind the gate.
func (b *bundle) ungated(t *testing.T) {
	t.Helper()
	for name, table := range map[string]string{
		"reservations_slot_taken": "reservations", "reservations_client_busy": "reservations", "appointments_provider_overlap": "appointments",
	} {
		statements := []string{"DROP TRIGGER " + name + "_insert", "DROP TRIGGER " + name + "_update"}
		if b.db.Dialect == dialect.Postgres {
			statements = []string{"ALTER TABLE " + table + " DROP CONSTRAINT " + name}
		}
		for _, s := range statements {
			_, err := b.db.ExecContext(t.Context(), s)
			must(t, err)
		}
	}
}

// The tests below believe violations; this one shows that it sees them.
func TestViolationsAreSeen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		b.ungated(t)
		client, provider := b.client(t), b.provider(t)
		slot := b.slotOf(t, provider, tomorrow)
		write := func(evil *orm.ReservationCreate) { t.Helper(); must(t, evil.Exec(b.request(t))) }
		write(b.evil(t, client, slot))
		// Neighbours in time, on every side.
		b.slotOf(t, provider, tomorrow+length)
		write(b.evil(t, client, b.slot(t, tomorrow-length)))
		write(b.evil(t, b.client(t), slot).SetActiveFrom(noon.Add(time.Hour)).SetActiveUntil(noon.Add(2 * time.Hour)).SetExpiry(noon.Add(2 * time.Hour)))
		same(t, "neighbours", b.violations(t), map[string]int{})

		b.slotOf(t, provider, tomorrow-time.Microsecond)
		write(b.evil(t, client, b.slot(t, tomorrow+length-time.Microsecond)))
		write(b.evil(t, b.client(t), slot).SetActiveFrom(noon.Add(2*time.Hour - time.Microsecond)).
			SetActiveUntil(noon.Add(3 * time.Hour)).SetExpiry(noon.Add(3 * time.Hour)))
		gone := b.slot(t, tomorrow+time.Hour)
		id := b.confirmed(t, b.client(t), gone)
		must(t, b.CancelAppointment(b.request(t), gone))
		must(t, b.DB.Reservation.UpdateOneID(id).SetState(reservation.StateCONFIRMED).ClearActiveUntil().Exec(b.request(t)))
		same(t, "overlaps", b.violations(t), map[string]int{
			"two have a slot": 1, "a client at two places": 1, "a provider at two places": 1, "somebody has what is gone": 1,
		})
	})
}

func TestRaceForASlot(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		clients, slot := b.clients(t, 64), b.slot(t, tomorrow+time.Hour)
		got := tally(t, together(each(len(clients), func(i int) error {
			_, err := b.Reserve(b.request(t), clients[i], slot)
			return err
		})...))
		same(t, "the outcomes", got, map[booking.Code]int{"": 1, booking.SlotHeld: 63})
		b.sound(t)
	})
}

func TestRaceOfAClientWithItself(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		client := b.client(t)
		var slots []int
		for i := range 16 { // any two of them overlap
			slots = append(slots, b.slot(t, tomorrow+time.Hour+time.Duration(i)*50*time.Second))
		}
		got := tally(t, together(each(len(slots), func(i int) error {
			_, err := b.Reserve(b.request(t), client, slots[i])
			return err
		})...))
		same(t, "the outcomes", got, map[booking.Code]int{"": 1, booking.ClientBusy: 15})
		b.sound(t)
	})
}

// The same request many times over is one reservation.
func TestRaceOfARepeat(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		client, slot := b.client(t), b.slot(t, tomorrow+time.Hour)
		ids := make([]int, 16)
		got := tally(t, together(each(len(ids), func(i int) (err error) {
			ids[i], err = b.Reserve(b.request(t), client, slot)
			return err
		})...))
		same(t, "the outcomes", got, map[booking.Code]int{"": 16})
		if slices.Min(ids) != slices.Max(ids) {
			t.Errorf("got the reservations %v, want one", ids)
		}
		b.sound(t)
	})
}

// Overlapping ranges, opened at once and in opposite orders, give every slot once.
func TestRaceToOpen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		for round := range 3 {
			providers := []int{b.provider(t), b.provider(t)}
			got := tally(t, together(each(8, func(i int) error {
				from := time.Duration(i%4) * time.Hour
				for j := range providers {
					provider := providers[(i+j)%2]
					if err := b.Open(b.request(t), provider, noon.Add(from), noon.Add(from+3*time.Hour)); err != nil {
						return err
					}
				}
				return nil
			})...))
			same(t, "the outcomes", got, map[booking.Code]int{"": 8})
			for _, p := range providers {
				same(t, fmt.Sprint("the slots of round ", round), b.opened(t, p), every(0, 6*time.Hour, length))
			}
		}
		b.sound(t)
	})
}

// A hold is confirmed while it ends and others want its slot. Whoever has the
// slot in the end, nobody else was told that it was theirs.
func TestRaceOfConfirmAndExpiry(t *testing.T) {
	t.Parallel()
	const rivals = 4
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		// The hold ends at the reading of the clock with this number.
		for ends := 1; ends <= rivals+2; ends++ {
			clients, slot := b.clients(t, 1+rivals), b.slot(t, tomorrow+time.Hour)
			hold := b.held(t, clients[0], slot)
			clock := &clock{now: noon.Add(30*time.Minute - time.Duration(ends)*time.Microsecond), step: time.Microsecond}
			g := *b.Gate
			g.Clock = clock.Now
			errs := together(append(each(rivals, func(i int) error {
				_, err := g.Reserve(b.request(t), clients[1+i], slot)
				return err
			}), func() error { return g.Confirm(b.request(t), hold) })...)
			confirmed, others := codeOf(t, errs[rivals]), tally(t, errs[:rivals])
			switch {
			case confirmed == "" && ends > 1 && others[booking.SlotHeld]+others[booking.SlotTaken] == rivals:
			case confirmed == booking.HoldExpired && ends <= 1+rivals && others[""] <= 1 && others[""]+others[booking.SlotHeld] == rivals:
			default:
				t.Errorf("the hold ends at reading %d: confirming came to %q, the others to %v", ends, confirmed, others)
			}
			if ends == 1 && others[""] != 1 {
				t.Errorf("the hold had ended: the others came to %v, want one to get the slot", others)
			}
		}
		b.sound(t)
	})
}

func TestRaceOfConfirmAndCancel(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		for range 8 {
			id := b.held(t, b.client(t), b.slot(t, tomorrow+time.Hour))
			errs := together(
				func() error { return b.Confirm(b.request(t), id) },
				func() error { return b.Cancel(b.request(t), id) },
				func() error { return b.Confirm(b.request(t), id) },
			)
			for _, i := range []int{0, 2} {
				if code := codeOf(t, errs[i]); code != "" && code != booking.ReservationCancelled {
					t.Errorf("confirming came to %v", errs[i])
				}
			}
			must(t, errs[1])
			got := b.reservation(t, id)
			wasConfirmed := errs[0] == nil || errs[2] == nil
			if got.State != "CANCELLED" || wasConfirmed != (got.Confirmed != "") {
				t.Errorf("confirmed %v and %v, then: %+v", errs[0], errs[2], got)
			}
		}
		b.sound(t)
	})
}

// Whatever happens to a reservation while its slot is withdrawn, it does not
// outlive the slot.
func TestRaceWithAWithdrawal(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		for range 6 {
			client, other := b.client(t), b.client(t)
			slot, elsewhere := b.slot(t, tomorrow+time.Hour), b.slot(t, tomorrow+2*time.Hour)
			id := b.held(t, client, slot)
			errs := together(
				func() error { return b.CancelAppointment(b.request(t), slot) },
				func() error { return b.Confirm(b.request(t), id) },
				func() error { return b.Reschedule(b.request(t), id, elsewhere) },
				func() error { _, err := b.Reserve(b.request(t), other, slot); return err },
				func() error { return b.CancelAppointment(b.request(t), slot) },
			)
			tally(t, errs)
			must(t, errs[0])
			must(t, errs[4])
			got := b.reservation(t, id)
			if moved := errs[2] == nil; moved != (got.Appointment == elsewhere) || moved == (got.State == "CANCELLED") {
				t.Errorf("moving came to %v, confirming to %v: %+v", errs[2], errs[1], got)
			}
			n, err := b.DB.Reservation.Query().Where(reservation.AppointmentID(slot), reservation.StateNEQ(reservation.StateCANCELLED)).Count(t.Context())
			must(t, err)
			if n > 0 || b.appointment(t, slot).Status != appointment.StatusCANCELLED {
				t.Errorf("%d have the slot, which is %v", n, b.appointment(t, slot).Status)
			}
		}
		b.sound(t)
	})
}

// A client takes another slot while the one it has is withdrawn. No constraint
// may have to step in, although both are never true at one instant.
func TestRaceOfAWithdrawalAndItsClient(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		for range 8 {
			client, slot, other := b.client(t), b.slot(t, tomorrow+time.Hour), b.slot(t, tomorrow+time.Hour+5*time.Minute)
			b.confirmed(t, client, slot)
			errs := together(
				func() error { return b.CancelAppointment(b.request(t), slot) },
				func() error { _, err := b.Reserve(b.request(t), client, other); return err },
			)
			must(t, errs[0])
			if code := codeOf(t, errs[1]); code != "" && code != booking.ClientBusy {
				t.Error(errs[1])
			}
		}
		b.sound(t)
	})
}

// The same, with the withdrawal at the worst of times: while the gate reads
// the clock. SQLite cannot do that, its transactions come one after the other.
func TestAWithdrawalWhileTheClockIsRead(t *testing.T) {
	t.Parallel()
	verbs := map[string]func(t *testing.T, b *bundle, g *gate.Gate, client, other int) error{
		"reserve": func(t *testing.T, b *bundle, g *gate.Gate, client, other int) error {
			t.Helper()
			_, err := g.Reserve(b.request(t), client, other)
			return err
		},
		"reschedule": func(t *testing.T, b *bundle, g *gate.Gate, client, other int) error {
			t.Helper()
			id := b.held(t, client, b.slot(t, tomorrow+3*time.Hour))
			return g.Reschedule(b.request(t), id, other)
		},
	}
	for name, verb := range verbs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, dbtest.Open(t, dialect.Postgres))
			client, slot, other := b.client(t), b.slot(t, tomorrow+time.Hour), b.slot(t, tomorrow+time.Hour+5*time.Minute)
			mine := b.confirmed(t, client, slot)
			g := *b.Gate
			g.Clock = func() time.Time {
				b.clock.set(2 * time.Second)
				must(t, b.CancelAppointment(b.request(t), slot))
				return noon.Add(time.Second)
			}
			refused(t, verb(t, b, &g, client, other), booking.ClientBusy, facts{
				"conflictingReservationId": booking.ID(mine), "timeSlot": noon.Add(tomorrow + time.Hour), "endsAt": noon.Add(tomorrow + time.Hour + length),
			})
			b.sound(t)
		})
	}
}

// Two want each other's slots. Neither can have it: a slot is never nobody's
// and never two people's.
func TestRaceCrosswise(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		for range 6 {
			one, two, free := b.slot(t, tomorrow+time.Hour), b.slot(t, tomorrow+2*time.Hour), b.slot(t, tomorrow+3*time.Hour)
			first, second, third := b.confirmed(t, b.client(t), one), b.held(t, b.client(t), two), b.held(t, b.client(t), b.slot(t, tomorrow+4*time.Hour))
			errs := together(
				func() error { return b.Reschedule(b.request(t), first, two) },
				func() error { return b.Reschedule(b.request(t), second, one) },
				func() error { return b.Reschedule(b.request(t), third, free) },
			)
			refused(t, errs[0], booking.SlotHeld, facts{"appointmentId": booking.ID(two), "retryAfter": b.expiry(t, second)})
			refused(t, errs[1], booking.SlotTaken, facts{"appointmentId": booking.ID(one)})
			must(t, errs[2])
		}
		b.sound(t)
	})
}

// Each wants the slot of the next: as many move as find it left in time.
func TestRaceInAChain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		slots := make([]int, 7)
		for i := range slots {
			slots[i] = b.slot(t, tomorrow+time.Hour)
		}
		slices.Reverse(slots[3:]) // up and down by their ids
		ids := make([]int, len(slots)-1)
		for i := range ids {
			ids[i] = b.confirmed(t, b.client(t), slots[i])
		}
		errs := together(each(len(ids), func(i int) error { return b.Reschedule(b.request(t), ids[i], slots[i+1]) })...)
		must(t, errs[len(ids)-1]) // the last slot is free
		for i, id := range ids {
			at := slots[i]
			if errs[i] == nil {
				at = slots[i+1]
			} else {
				refused(t, errs[i], booking.SlotTaken, nil)
			}
			if got := b.reservation(t, id).Appointment; got != at {
				t.Errorf("the reservation %d is at %d, want %d", i, got, at)
			}
		}
		b.sound(t)
	})
}

func TestRaceToMoveToASlot(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		clients, to := b.clients(t, 16), b.slot(t, tomorrow+time.Hour)
		ids := make([]int, len(clients))
		for i, c := range clients {
			ids[i] = b.confirmed(t, c, b.slot(t, tomorrow+2*time.Hour))
		}
		got := tally(t, together(each(len(ids), func(i int) error { return b.Reschedule(b.request(t), ids[i], to) })...))
		same(t, "the outcomes", got, map[booking.Code]int{"": 1, booking.SlotTaken: 15})
		b.sound(t)
	})
}

// Everybody does anything, for a while, on a database that would let them: the
// gate alone keeps the rules.
func TestTheGateAlone(t *testing.T) {
	t.Parallel()
	const workers, verbs = 8, 40
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		b.ungated(t)
		b.clock.step = 20 * time.Second // so that holds end while this runs
		b.Rules.AdvanceNotice = 0
		clients, providers := b.clients(t, 5), []int{b.provider(t), b.provider(t), b.provider(t)}
		for i, p := range providers { // shifted, so that overlapping is more than being equal
			from := noon.Add(240*time.Hour + time.Duration(i)*5*time.Minute)
			must(t, b.Open(b.request(t), p, from, from.Add(4*length)))
		}
		slots, err := b.DB.Appointment.Query().IDs(t.Context())
		must(t, err)
		granted := make([]map[string]int, workers)
		tally(t, together(each(workers, func(w int) error {
			granted[w] = map[string]int{}
			return b.wander(t, rand.New(rand.NewPCG(1, uint64(w))), verbs, clients, providers, slots, granted[w])
		})...))
		total := map[string]int{}
		for _, g := range granted {
			for verb, n := range g {
				total[verb] += n
			}
		}
		for _, verb := range []string{"reserve", "confirm", "cancel", "reschedule", "withdraw", "open"} {
			if total[verb] == 0 {
				t.Errorf("nobody could %s: %v", verb, total)
			}
		}
		b.sound(t)
	})
}

// wander does n verbs by chance, and counts which were granted.
func (b *bundle) wander(t *testing.T, by *rand.Rand, n int, clients, providers, slots []int, granted map[string]int) error {
	t.Helper()
	var ids []int
	any := func(of []int) int { return of[by.IntN(len(of))] }
	for range n {
		verb, err := "reserve", error(nil)
		switch chance := by.IntN(20); {
		case chance < 8 || len(ids) == 0:
			var id int
			if id, err = b.Reserve(b.request(t), any(clients), any(slots)); err == nil {
				ids = append(ids, id)
			}
		case chance < 11:
			verb, err = "confirm", b.Confirm(b.request(t), any(ids))
		case chance < 14:
			verb, err = "cancel", b.Cancel(b.request(t), any(ids))
		case chance < 18:
			verb, err = "reschedule", b.Reschedule(b.request(t), any(ids), any(slots))
		case chance < 19:
			verb, err = "withdraw", b.CancelAppointment(b.request(t), any(slots))
		default:
			from := noon.Add(240*time.Hour + time.Duration(by.IntN(4))*5*time.Minute)
			verb, err = "open", b.Open(b.request(t), any(providers), from, from.Add(2*length))
		}
		if err == nil {
			granted[verb]++
		} else if codeOf(t, err) == "ERROR" {
			return err
		}
	}
	return nil
}

// expiry is the end of a hold.
func (b *bundle) expiry(t *testing.T, id int) time.Time {
	t.Helper()
	r, err := b.DB.Reservation.Get(t.Context(), id)
	must(t, err)
	return r.Expiry
}
