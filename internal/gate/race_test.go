package gate_test

import (
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/ent/orm/reservation"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
)

// race is setup for many at a time. The clock goes on with every reading, and
// takes its time: a gate reads it between looking and writing, so whoever no
// lock keeps out comes in between.
func race(t *testing.T, db *database.DB) *bundle {
	t.Helper()
	b := setup(t, db)
	b.clock.step = time.Millisecond
	b.Clock = dawdling(b.clock)
	b.connect(t)
	return b
}

// connect opens all connections that the pool may have: whoever had to open
// one would come too late to a race.
func (b *bundle) connect(t *testing.T) {
	t.Helper()
	for range b.db.Stats().MaxOpenConnections {
		c, err := b.db.Conn(t.Context())
		must(t, err)
		defer c.Close()
	}
}

func dawdling(c *clock) func() time.Time {
	return func() time.Time {
		now := c.Now()
		time.Sleep(2 * time.Millisecond)
		return now
	}
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
			g := b.at(dawdling(clock))
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
			n, err := b.DB.Reservation.Query().Where(reservation.AppointmentID(slot), reservation.StateNEQ(reservation.StateCANCELLED)).Count(entity.Service(t.Context()))
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
	verbs := map[string]func(t *testing.T, b *bundle, g desk, client, other int) error{
		"reserve": func(t *testing.T, b *bundle, g desk, client, other int) error {
			t.Helper()
			_, err := g.Reserve(b.request(t), client, other)
			return err
		},
		"reschedule": func(t *testing.T, b *bundle, g desk, client, other int) error {
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
			g := b.at(func() time.Time {
				b.clock.set(2 * time.Second)
				must(t, b.CancelAppointment(b.request(t), slot))
				return noon.Add(time.Second)
			})
			refused(t, verb(t, b, g, client, other), booking.ClientBusy, facts{
				"conflictingReservationId": booking.ID(mine), "timeSlot": noon.Add(tomorrow + time.Hour), "endsAt": noon.Add(tomorrow + time.Hour + length),
			})
			b.sound(t)
		})
	}
}

// A reservation moves while a verb on it waits for its turn: the verb then
// waits for the appointment where the reservation is, not where it was.
func TestAMoveWhileAVerbWaits(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.Open(t, dialect.Postgres)) // SQLite has no rows to wait for
	client, slot, other := b.client(t), b.slot(t, tomorrow+time.Hour), b.slot(t, tomorrow+2*time.Hour)
	id := b.held(t, client, slot)
	atClient, atOther := b.lock(t, "clients", client), b.lock(t, "appointments", other)
	confirmed := make(chan error, 1)
	go func() { confirmed <- b.Confirm(b.request(t), id) }()
	b.awaitWaiting(t, confirmed)
	_, err := atClient.ExecContext(t.Context(), `UPDATE reservations SET (appointment_id, provider_id, time_slot, ends_at) =
		(SELECT id, provider_id, time_slot, ends_at FROM appointments WHERE id = $1) WHERE id = $2`, other, id)
	must(t, err)
	must(t, atClient.Commit())
	b.awaitWaiting(t, confirmed)
	must(t, atOther.Commit())
	must(t, <-confirmed)
	if got := b.reservation(t, id); got.Appointment != other || got.State != "CONFIRMED" {
		t.Errorf("got %+v", got)
	}
	b.log.silent(t)
}

// lock is a transaction that has locked a row.
func (b *bundle) lock(t *testing.T, table string, id int) *sql.Tx {
	t.Helper()
	tx, err := b.db.BeginTx(t.Context(), nil)
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	_, err = tx.ExecContext(t.Context(), "SELECT FROM "+table+" WHERE id = $1 FOR NO KEY UPDATE", id)
	must(t, err)
	return tx
}

// awaitWaiting returns when somebody waits for a lock, or fails the test if
// the one who should is done instead.
func (b *bundle) awaitWaiting(t *testing.T, done chan error) {
	t.Helper()
	for waiting := 0; waiting == 0; {
		select {
		case err := <-done:
			t.Fatalf("done with %v, although somebody else has the lock", err)
		default:
		}
		must(t, b.db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting))
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

// expiry is the end of a hold.
func (b *bundle) expiry(t *testing.T, id int) time.Time {
	t.Helper()
	r, err := b.DB.Reservation.Get(entity.Service(t.Context()), id)
	must(t, err)
	return r.Expiry
}
