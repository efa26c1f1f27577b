package gate_test

import (
	"context"
	"testing"
	"time"

	"entgo.io/ent"

	"docket/ent/entity"
	"docket/ent/orm/appointment"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
)

// opened are the starts, in order, of the open slots of a provider, after noon.
func (b *bundle) opened(t *testing.T, provider int) (starts []time.Duration) {
	t.Helper()
	all, err := b.DB.Appointment.Query().
		Where(appointment.ProviderID(provider), appointment.StatusEQ(appointment.StatusOPEN)).
		Order(appointment.ByTimeSlot()).All(entity.Service(t.Context()))
	must(t, err)
	for _, a := range all {
		if got := a.EndsAt.Sub(a.TimeSlot); got != b.Rules.SlotLength {
			t.Errorf("the slot at %v lasts %v", a.TimeSlot, got)
		}
		starts = append(starts, a.TimeSlot.Sub(noon))
	}
	return starts
}

// every is the starts of slots from a time after noon until another.
func every(from, to, length time.Duration) (starts []time.Duration) {
	for at := from; at < to; at += length {
		starts = append(starts, at)
	}
	return starts
}

func TestOpenStoresSlots(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		provider, other := b.provider(t), b.provider(t)
		berlin, err := time.LoadLocation("Europe/Berlin")
		must(t, err)
		request := b.request(t)
		b.clock.set(time.Second)
		must(t, b.Open(request, provider, noon.Add(time.Hour).In(berlin), noon.Add(2*time.Hour)))
		same(t, "the slots", b.opened(t, provider), every(time.Hour, 2*time.Hour, length))
		same(t, "another's slots", b.opened(t, other), nil)
		first, err := b.DB.Appointment.Query().Order(appointment.ByTimeSlot()).First(entity.Service(t.Context()))
		must(t, err)
		if first.ProviderID != provider || first.Version != 1 || after(&first.CreatedAt) != "1s" || after(&first.UpdatedAt) != "1s" {
			t.Errorf("the first slot is %v", first)
		}
		p, err := b.DB.Provider.Get(entity.Service(t.Context()), provider)
		must(t, err)
		if p.Version != 1 { // locked, not written
			t.Errorf("the provider has version %d, want 1", p.Version)
		}
		b.log.silent(t)
	})
}

func TestOpenAddsWhatIsMissing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		provider := b.provider(t)
		open := func(from, to time.Duration) {
			t.Helper()
			must(t, b.Open(b.request(t), provider, noon.Add(from), noon.Add(to)))
		}
		open(2*time.Hour, 3*time.Hour)
		before := b.rows(t)
		open(2*time.Hour, 3*time.Hour) // an exact repeat
		same(t, "the rows", b.rows(t), before)
		open(time.Hour, 2*time.Hour+30*time.Minute)                               // over its start
		open(2*time.Hour+30*time.Minute, 4*time.Hour)                             // over its end
		open(5*time.Hour, 6*time.Hour)                                            // with a hole before
		open(30*time.Minute, 7*time.Hour)                                         // around all of it
		must(t, b.Open(b.request(t), b.provider(t), noon, noon.Add(8*time.Hour))) // others do not matter
		same(t, "the slots", b.opened(t, provider), every(30*time.Minute, 7*time.Hour, length))
		b.log.silent(t)
	})
}

// More slots than one statement takes; they appear all or none.
func TestOpenManySlots(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		b.Rules.SlotLength = time.Minute
		provider := b.provider(t)
		const many = 2500 * time.Minute

		ctx, cancel := context.WithCancel(b.request(t))
		created := 0
		b.DB.Appointment.Use(whenCreating(func(ent.Mutation) {
			if created++; created == 1500 { // in the second statement of three
				cancel()
			}
		}))
		if err := b.Open(ctx, provider, noon, noon.Add(many)); err == nil {
			t.Error("opened, although the request ended")
		}
		same(t, "the slots after a failure", b.opened(t, provider), nil)

		must(t, b.Open(b.request(t), provider, noon, noon.Add(many)))
		same(t, "the slots", b.opened(t, provider), every(0, many, time.Minute))
		must(t, b.Open(b.request(t), provider, noon.Add(-time.Minute), noon.Add(many+time.Minute)))
		same(t, "and two more", b.opened(t, provider), every(-time.Minute, many+time.Minute, time.Minute))
		b.log.silent(t)
	})
}

func TestCancelAppointmentCancelsWhoHasIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		slot := func() int { return b.slot(t, tomorrow+time.Hour) }
		held, confirmed, ended, dropped, free := slot(), slot(), slot(), slot(), slot()
		ofEnded := b.held(t, b.client(t), ended)
		b.clock.set(25 * time.Minute)
		ofHeld, ofConfirmed := b.held(t, b.client(t), held), b.confirmed(t, b.client(t), confirmed)
		ofDropped := b.held(t, b.client(t), dropped)
		must(t, b.Cancel(b.request(t), ofDropped))
		b.clock.set(30 * time.Minute)
		// What was let go already stays as it is.
		rows := map[int]stored{ofEnded: b.reservation(t, ofEnded), ofDropped: b.reservation(t, ofDropped)}
		for id, until := range map[int]string{ofHeld: "25m0s to 30m0s", ofConfirmed: "25m0s to 30m0s"} {
			row := b.reservation(t, id)
			row.State, row.Active, row.Cancelled, row.Updated, row.Version = "CANCELLED", until, "30m0s", "30m0s", row.Version+1
			rows[id] = row
		}
		for _, id := range []int{held, confirmed, ended, dropped, free} {
			must(t, b.CancelAppointment(b.request(t), id))
			a := b.appointment(t, id)
			if a.Status != appointment.StatusCANCELLED || after(&a.UpdatedAt) != "30m0s" {
				t.Errorf("the appointment is %v", a)
			}
			b.clock.set(40 * time.Minute)
			must(t, b.unchanged(t, func() error { return b.CancelAppointment(b.request(t), id) })) // again
			b.clock.set(30 * time.Minute)
		}
		for id, row := range rows {
			same(t, "the reservation", b.reservation(t, id), row)
		}
		b.log.silent(t)
	})
}

// Its time is free again for the provider and for the client.
func TestOpenAgainWhatWasCancelled(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		provider, client := b.provider(t), b.client(t)
		old := b.slotOf(t, provider, tomorrow+time.Hour)
		b.confirmed(t, client, old)
		must(t, b.CancelAppointment(b.request(t), old))
		same(t, "the slots", b.opened(t, provider), nil)

		// On another grid, even.
		must(t, b.Open(b.request(t), provider, noon.Add(tomorrow+50*time.Minute), noon.Add(tomorrow+80*time.Minute)))
		same(t, "the slots", b.opened(t, provider), []time.Duration{tomorrow + 50*time.Minute, tomorrow + 65*time.Minute})
		fresh, err := b.DB.Appointment.Query().Where(appointment.TimeSlot(noon.Add(tomorrow + 65*time.Minute))).OnlyID(entity.Service(t.Context()))
		must(t, err)
		b.confirmed(t, client, fresh)
		_, err = b.Reserve(b.request(t), client, old)
		refused(t, err, booking.AppointmentCancelled, nil)
		b.log.silent(t)
	})
}
