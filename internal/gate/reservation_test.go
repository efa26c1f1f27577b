package gate_test

import (
	"testing"
	"time"

	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
)

func TestReserveStoresAHold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		provider, client := b.provider(t), b.client(t)
		appointment := b.slotOf(t, provider, tomorrow+time.Hour)
		request := b.request(t)
		b.clock.set(2*time.Second + 1999*time.Nanosecond) // it waited for its locks
		id, err := b.Reserve(request, client, appointment)
		must(t, err)
		same(t, "the reservation", b.reservation(t, id), stored{
			Client: client, Appointment: appointment, Provider: provider,
			Slot: "25h0m0s to 25h15m0s", State: "HELD", Expiry: "30m2.000001s", Active: "2.000001s to 30m2.000001s",
			Created: "2.000001s", Updated: "2.000001s", Version: 1,
		})
		same(t, "the versions", b.versions(t, client, appointment), []int{1, 1}) // locked, not written
		b.log.silent(t)
	})
}

func TestConfirmStoresThatItLasts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		provider, client := b.provider(t), b.client(t)
		appointment := b.slotOf(t, provider, tomorrow)
		id := b.held(t, client, appointment)
		b.clock.set(10 * time.Minute)
		must(t, b.Confirm(b.request(t), id))
		same(t, "the reservation", b.reservation(t, id), stored{
			Client: client, Appointment: appointment, Provider: provider,
			Slot: "24h0m0s to 24h15m0s", State: "CONFIRMED", Expiry: "30m0s", Active: "0s to ", Confirmed: "10m0s",
			Created: "0s", Updated: "10m0s", Version: 2,
		})
		same(t, "the versions", b.versions(t, client, appointment), []int{1, 1})

		b.clock.set(time.Hour)                                                       // past what was its expiry
		must(t, b.unchanged(t, func() error { return b.Confirm(b.request(t), id) })) // again
		b.log.silent(t)
	})
}

func TestCancelStoresWhenItLetGo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		provider, client := b.provider(t), b.client(t)
		held, confirmed := b.slotOf(t, provider, tomorrow), b.slotOf(t, provider, tomorrow+time.Hour)
		hold, sure := b.held(t, client, held), b.confirmed(t, client, confirmed)
		b.clock.set(10 * time.Minute)
		want := map[int]stored{
			hold: {
				Client: client, Appointment: held, Provider: provider,
				Slot: "24h0m0s to 24h15m0s", State: "CANCELLED", Expiry: "30m0s", Active: "0s to 10m0s", Cancelled: "10m0s",
				Created: "0s", Updated: "10m0s", Version: 2,
			},
			sure: {
				Client: client, Appointment: confirmed, Provider: provider,
				Slot: "25h0m0s to 25h15m0s", State: "CANCELLED", Expiry: "30m0s", Active: "0s to 10m0s",
				Confirmed: "0s", Cancelled: "10m0s", Created: "0s", Updated: "10m0s", Version: 3,
			},
		}
		for id, row := range want {
			must(t, b.Cancel(b.request(t), id))
			same(t, "the reservation", b.reservation(t, id), row)
		}
		same(t, "the versions", b.versions(t, client, held, confirmed), []int{1, 1, 1})

		b.clock.set(20 * time.Minute)
		for id := range want {
			must(t, b.unchanged(t, func() error { return b.Cancel(b.request(t), id) })) // again
		}
		b.log.silent(t)
	})
}

// A hold that has ended let go by itself: there is nothing left to cancel.
func TestCancelLeavesAnEndedHold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		id := b.held(t, b.client(t), b.slot(t, tomorrow+time.Hour))
		b.clock.set(30 * time.Minute)
		must(t, b.unchanged(t, func() error { return b.Cancel(b.request(t), id) }))
	})
}

// The clock of another server was ahead: what it wrote still ends after it begins.
func TestCancelByAnEarlierClock(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		b.clock.set(time.Minute)
		id := b.held(t, b.client(t), b.slot(t, tomorrow+time.Hour))
		b.clock.set(0)
		must(t, b.Cancel(b.request(t), id))
		if got := b.reservation(t, id); got.State != "CANCELLED" || got.Active != "1m0s to 1m0s" || got.Cancelled != "0s" {
			t.Errorf("got %+v", got)
		}
	})
}

// The clock of the server that withdraws a slot is ahead: a hold on it has ended
// there. By another clock it has not, and is still not to be had.
func TestConfirmWhatALaterClockWithdrew(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		client, slot := b.client(t), b.slot(t, tomorrow+2*time.Hour)
		id := b.held(t, client, slot)
		b.clock.set(time.Hour)
		must(t, b.CancelAppointment(b.request(t), slot))
		b.clock.set(0)
		refused(t, b.unchanged(t, func() error { return b.Confirm(b.request(t), id) }), booking.ReservationCancelled, facts{"reservationId": booking.ID(id)})
		_, err := b.Reserve(b.request(t), client, slot)
		refused(t, err, booking.AppointmentCancelled, nil)
		b.clock.set(time.Hour)
		refused(t, b.Confirm(b.request(t), id), booking.HoldExpired, nil)
		b.log.silent(t)
	})
}

// Who glances at a slot is told what Reserve says, also where the clock was set
// back to before the end of a hold.
func TestGlanceRefusesOnlyWhatReserveRefuses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		first, second := b.client(t), b.client(t)
		withdrawn, passedOn := b.slot(t, tomorrow+2*time.Hour), b.slot(t, tomorrow+time.Hour)
		for _, slot := range []int{withdrawn, passedOn} {
			b.held(t, first, slot)
			_, err := b.Reserve(b.request(t), second, slot)
			refused(t, err, booking.SlotHeld, nil)
			refused(t, b.Glance(b.request(t), b.DB, second, slot), booking.SlotHeld, nil)
		}
		b.clock.set(b.Rules.HoldLength)
		must(t, b.CancelAppointment(b.request(t), withdrawn))
		has := b.held(t, second, passedOn)

		b.clock.set(b.Rules.HoldLength - time.Microsecond)
		must(t, b.Glance(b.request(t), b.DB, second, withdrawn))
		_, err := b.Reserve(b.request(t), second, withdrawn)
		refused(t, err, booking.AppointmentCancelled, nil)
		must(t, b.Glance(b.request(t), b.DB, second, passedOn))
		again, err := b.Reserve(b.request(t), second, passedOn)
		must(t, err)
		same(t, "reserved again", again, has)
	})
}

func TestRescheduleStoresTheNewSlot(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		provider, client := b.provider(t), b.client(t)
		from, to := b.slot(t, tomorrow+time.Hour), b.slotOf(t, provider, tomorrow+2*time.Hour)
		id := b.held(t, client, from)
		b.clock.set(10 * time.Minute)
		must(t, b.Reschedule(b.request(t), id, to))
		same(t, "the hold", b.reservation(t, id), stored{
			Client: client, Appointment: to, Provider: provider,
			Slot: "26h0m0s to 26h15m0s", State: "HELD", Expiry: "30m0s", Active: "10m0s to 30m0s",
			Created: "0s", Updated: "10m0s", Version: 2,
		})
		same(t, "the versions", b.versions(t, client, from, to), []int{1, 1, 1})

		b.clock.set(15 * time.Minute)
		must(t, b.unchanged(t, func() error { return b.Reschedule(b.request(t), id, to) })) // to where it is

		must(t, b.Confirm(b.request(t), id))
		b.clock.set(40 * time.Minute) // past what was its expiry
		must(t, b.Reschedule(b.request(t), id, from))
		if got := b.reservation(t, id); got.State != "CONFIRMED" || got.Appointment != from ||
			got.Active != "40m0s to " || got.Slot != "25h0m0s to 25h15m0s" || got.Expiry != "30m0s" || got.Confirmed != "15m0s" {
			t.Errorf("the confirmed one: %+v", got)
		}
		b.log.silent(t)
	})
}

func TestReserveAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		client, appointment := b.client(t), b.slot(t, tomorrow+time.Hour)
		again := func(want int) {
			t.Helper()
			var got int
			must(t, b.unchanged(t, func() (err error) { got, err = b.Reserve(b.request(t), client, appointment); return err }))
			if got != want {
				t.Errorf("got the reservation %d, want %d back", got, want)
			}
		}
		first := b.held(t, client, appointment)
		b.clock.set(29 * time.Minute)
		again(first) // no way to prolong it

		b.clock.set(30 * time.Minute) // it has ended
		row := b.reservation(t, first)
		second := b.held(t, client, appointment)
		if second == first {
			t.Fatal("got the ended hold back")
		}
		same(t, "the ended hold", b.reservation(t, first), row)
		must(t, b.Confirm(b.request(t), second))
		b.clock.set(2 * time.Hour) // too late for a new one
		again(second)
		b.log.silent(t)
	})
}

// What ends lets others in, whichever way it ends, and at that very instant.
func TestASlotThatWasLetGo(t *testing.T) {
	t.Parallel()
	ends := map[string]func(t *testing.T, b *bundle, hold int){
		"the hold ended":       func(_ *testing.T, b *bundle, _ int) { b.clock.set(30 * time.Minute) },
		"the hold was dropped": func(t *testing.T, b *bundle, hold int) { t.Helper(); must(t, b.Cancel(b.request(t), hold)) },
		"it was confirmed, then cancelled": func(t *testing.T, b *bundle, hold int) {
			t.Helper()
			must(t, b.Confirm(b.request(t), hold))
			b.clock.set(10 * time.Minute)
			must(t, b.Cancel(b.request(t), hold))
		},
		"it moved elsewhere": func(t *testing.T, b *bundle, hold int) {
			t.Helper()
			must(t, b.Reschedule(b.request(t), hold, b.slot(t, tomorrow+5*time.Hour)))
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				b := setup(t, db)
				first, second, third := b.client(t), b.client(t), b.client(t)
				appointment := b.slot(t, tomorrow+time.Hour)
				end(t, b, b.held(t, first, appointment))

				// The first is free for another slot at that time, the slot is free for the second.
				elsewhere := b.slot(t, tomorrow+time.Hour+5*time.Minute)
				b.held(t, first, elsewhere)
				b.confirmed(t, second, appointment)
				_, err := b.Reserve(b.request(t), third, appointment)
				refused(t, err, booking.SlotTaken, facts{"appointmentId": booking.ID(appointment)})
				b.log.silent(t)
			})
		})
	}
}

// A hold in the past of the slot, by another client or by the same, is no
// obstacle to a reservation that was made before it and comes later.
func TestRescheduleToASlotWithAPast(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		mover, someone := b.client(t), b.client(t)
		from, to := b.slot(t, tomorrow+time.Hour), b.slot(t, tomorrow+2*time.Hour)
		id := b.confirmed(t, mover, from)
		b.clock.set(time.Minute)
		b.held(t, someone, to) // ends at 31m
		b.clock.set(31 * time.Minute)
		b.held(t, mover, to) // ends at 61m; a second reservation of the same client
		b.clock.set(32 * time.Minute)
		refused(t, b.Reschedule(b.request(t), id, to), booking.SlotHeld, nil)
		b.clock.set(61 * time.Minute)
		// 23 hours are left before from, so only to is late enough.
		must(t, b.Reschedule(b.request(t), id, to))
		if got := b.reservation(t, id); got.Appointment != to || got.Active != "1h1m0s to " {
			t.Errorf("got %+v", got)
		}
		b.log.silent(t)
	})
}

// A reservation does not stand in its own way.
func TestRescheduleAcrossItsOwnTime(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		client, other := b.client(t), b.client(t)
		from, to := b.slot(t, tomorrow+time.Hour), b.slot(t, tomorrow+time.Hour+5*time.Minute)
		id := b.confirmed(t, client, from)
		b.clock.set(time.Minute)
		must(t, b.Reschedule(b.request(t), id, to))
		b.held(t, other, from)
		b.clock.set(2 * time.Minute)
		refused(t, b.Reschedule(b.request(t), id, from), booking.SlotHeld,
			facts{"appointmentId": booking.ID(from), "retryAfter": noon.Add(31 * time.Minute)})
		b.log.silent(t)
	})
}
