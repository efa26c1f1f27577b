package gate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/viewer"
)

// Whatever is refused leaves every row as it was, versions included.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const nobody = 1 << 40
	start := noon.Add(tomorrow + time.Hour)
	end := start.Add(length)
	tests := map[string]func(t *testing.T, b *bundle){
		"reserve for no client": func(t *testing.T, b *bundle) {
			a := b.slot(t, tomorrow)
			absent(t, b.unchanged(t, func() error { _, err := b.Reserve(b.request(t), nobody, a); return err }), "Client", nobody)
		},
		"reserve no appointment": func(t *testing.T, b *bundle) {
			c := b.client(t)
			absent(t, b.unchanged(t, func() error { _, err := b.Reserve(b.request(t), c, nobody); return err }), "Appointment", nobody)
		},
		"reserve nothing for nobody": func(t *testing.T, b *bundle) {
			absent(t, b.unchanged(t, func() error { _, err := b.Reserve(b.request(t), nobody, nobody+1); return err }), "Client", nobody)
		},
		"reserve a withdrawn slot": func(t *testing.T, b *bundle) {
			c, a := b.client(t), b.slot(t, tomorrow)
			must(t, b.CancelAppointment(b.request(t), a))
			err := b.unchanged(t, func() error { _, err := b.Reserve(b.request(t), c, a); return err })
			refused(t, err, booking.AppointmentCancelled, facts{"appointmentId": booking.ID(a)})
		},
		"reserve too late": func(t *testing.T, b *bundle) {
			c, a := b.client(t), b.slot(t, tomorrow)
			b.clock.set(time.Microsecond)
			err := b.unchanged(t, func() error { _, err := b.Reserve(b.request(t), c, a); return err })
			refused(t, err, booking.TooSoon, facts{"earliestStart": noon.Add(tomorrow + time.Microsecond), "timeSlot": noon.Add(tomorrow)})
		},
		"reserve a held slot": func(t *testing.T, b *bundle) {
			c, a := b.client(t), b.slot(t, tomorrow+time.Hour)
			b.held(t, b.client(t), a)
			b.clock.set(30*time.Minute - time.Microsecond)
			err := b.unchanged(t, func() error { _, err := b.Reserve(b.request(t), c, a); return err })
			refused(t, err, booking.SlotHeld, facts{"appointmentId": booking.ID(a), "retryAfter": noon.Add(30 * time.Minute)})
		},
		"reserve a taken slot": func(t *testing.T, b *bundle) {
			c, a := b.client(t), b.slot(t, tomorrow)
			b.confirmed(t, b.client(t), a)
			err := b.unchanged(t, func() error { _, err := b.Reserve(b.request(t), c, a); return err })
			refused(t, err, booking.SlotTaken, facts{"appointmentId": booking.ID(a)})
		},
		"reserve at two places": func(t *testing.T, b *bundle) {
			c, a := b.client(t), b.slot(t, tomorrow+time.Hour)
			r := b.held(t, c, b.slot(t, tomorrow+time.Hour-length+time.Minute))
			err := b.unchanged(t, func() error { _, err := b.Reserve(b.request(t), c, a); return err })
			refused(t, err, booking.ClientBusy, facts{
				"conflictingReservationId": booking.ID(r), "timeSlot": start.Add(time.Minute - length), "endsAt": start.Add(time.Minute),
			})
		},
		"confirm nothing": func(t *testing.T, b *bundle) {
			absent(t, b.unchanged(t, func() error { return b.Confirm(b.request(t), nobody) }), "Reservation", nobody)
		},
		"confirm too late": func(t *testing.T, b *bundle) {
			r := b.held(t, b.client(t), b.slot(t, tomorrow))
			b.clock.set(30 * time.Minute)
			err := b.unchanged(t, func() error { return b.Confirm(b.request(t), r) })
			refused(t, err, booking.HoldExpired, facts{"reservationId": booking.ID(r), "expiry": noon.Add(30 * time.Minute)})
		},
		"confirm what was cancelled": func(t *testing.T, b *bundle) {
			r := b.held(t, b.client(t), b.slot(t, tomorrow))
			must(t, b.Cancel(b.request(t), r))
			err := b.unchanged(t, func() error { return b.Confirm(b.request(t), r) })
			refused(t, err, booking.ReservationCancelled, facts{"reservationId": booking.ID(r)})
		},
		"cancel nothing": func(t *testing.T, b *bundle) {
			absent(t, b.unchanged(t, func() error { return b.Cancel(b.request(t), nobody) }), "Reservation", nobody)
		},
		"reschedule nothing": func(t *testing.T, b *bundle) {
			a := b.slot(t, tomorrow)
			absent(t, b.unchanged(t, func() error { return b.Reschedule(b.request(t), nobody, a) }), "Reservation", nobody)
		},
		"reschedule to nothing": func(t *testing.T, b *bundle) {
			r := b.held(t, b.client(t), b.slot(t, tomorrow))
			for _, to := range []int{-1, nobody} { // it locks the lower id first
				absent(t, b.unchanged(t, func() error { return b.Reschedule(b.request(t), r, to) }), "Appointment", to)
			}
		},
		"reschedule too late": func(t *testing.T, b *bundle) {
			r, to := b.held(t, b.client(t), b.slot(t, tomorrow)), b.slot(t, tomorrow+2*time.Hour)
			b.clock.set(30 * time.Minute)
			err := b.unchanged(t, func() error { return b.Reschedule(b.request(t), r, to) })
			refused(t, err, booking.HoldExpired, facts{"reservationId": booking.ID(r), "expiry": noon.Add(30 * time.Minute)})
		},
		"reschedule what was cancelled": func(t *testing.T, b *bundle) {
			r, to := b.confirmed(t, b.client(t), b.slot(t, tomorrow)), b.slot(t, tomorrow+time.Hour)
			must(t, b.Cancel(b.request(t), r))
			err := b.unchanged(t, func() error { return b.Reschedule(b.request(t), r, to) })
			refused(t, err, booking.ReservationCancelled, facts{"reservationId": booking.ID(r)})
		},
		"reschedule to a withdrawn slot": func(t *testing.T, b *bundle) {
			r, to := b.held(t, b.client(t), b.slot(t, tomorrow)), b.slot(t, tomorrow+time.Hour)
			must(t, b.CancelAppointment(b.request(t), to))
			err := b.unchanged(t, func() error { return b.Reschedule(b.request(t), r, to) })
			refused(t, err, booking.AppointmentCancelled, facts{"appointmentId": booking.ID(to)})
		},
		"reschedule to a slot that is too soon": func(t *testing.T, b *bundle) {
			r, to := b.confirmed(t, b.client(t), b.slot(t, tomorrow+time.Hour)), b.slot(t, tomorrow-length)
			err := b.unchanged(t, func() error { return b.Reschedule(b.request(t), r, to) })
			refused(t, err, booking.TooSoon, facts{"earliestStart": noon.Add(tomorrow), "timeSlot": noon.Add(tomorrow - length)})
		},
		"reschedule to a held slot": func(t *testing.T, b *bundle) {
			r, to := b.held(t, b.client(t), b.slot(t, tomorrow)), b.slot(t, tomorrow+time.Hour)
			b.held(t, b.client(t), to)
			err := b.unchanged(t, func() error { return b.Reschedule(b.request(t), r, to) })
			refused(t, err, booking.SlotHeld, facts{"appointmentId": booking.ID(to), "retryAfter": noon.Add(30 * time.Minute)})
		},
		"reschedule to a taken slot": func(t *testing.T, b *bundle) {
			r, to := b.held(t, b.client(t), b.slot(t, tomorrow)), b.slot(t, tomorrow+time.Hour)
			b.confirmed(t, b.client(t), to)
			err := b.unchanged(t, func() error { return b.Reschedule(b.request(t), r, to) })
			refused(t, err, booking.SlotTaken, facts{"appointmentId": booking.ID(to)})
		},
		"reschedule to two places": func(t *testing.T, b *bundle) {
			c, to := b.client(t), b.slot(t, tomorrow+time.Hour)
			r, there := b.held(t, c, b.slot(t, tomorrow)), b.confirmed(t, c, b.slot(t, tomorrow+time.Hour))
			err := b.unchanged(t, func() error { return b.Reschedule(b.request(t), r, to) })
			refused(t, err, booking.ClientBusy, facts{"conflictingReservationId": booking.ID(there), "timeSlot": start, "endsAt": end})
		},
		"withdraw nothing": func(t *testing.T, b *bundle) {
			absent(t, b.unchanged(t, func() error { return b.CancelAppointment(b.request(t), nobody) }), "Appointment", nobody)
		},
		"open for nobody": func(t *testing.T, b *bundle) {
			absent(t, b.unchanged(t, func() error { return b.Open(b.request(t), nobody, start, end) }), "Provider", nobody)
		},
		"open backwards": func(t *testing.T, b *bundle) {
			p := b.provider(t)
			err := b.unchanged(t, func() error { return b.Open(b.request(t), p, end, start) })
			refused(t, err, booking.StartNotBeforeEnd, facts{"startTime": end, "endTime": start})
		},
		"open an odd range": func(t *testing.T, b *bundle) {
			p := b.provider(t)
			err := b.unchanged(t, func() error { return b.Open(b.request(t), p, start, end.Add(time.Minute)) })
			refused(t, err, booking.NotOnGrid, facts{"before": end, "after": end.Add(length), "slotSeconds": 900})
		},
		"open too much": func(t *testing.T, b *bundle) {
			p := b.provider(t)
			err := b.unchanged(t, func() error { return b.Open(b.request(t), p, start, start.AddDate(0, 0, 32)) })
			refused(t, err, booking.RangeTooLong, facts{"latestEndTime": start.AddDate(0, 0, 31), "maxDays": 31})
		},
		"open across what is open": func(t *testing.T, b *bundle) {
			p := b.provider(t)
			a := b.slotOf(t, p, tomorrow+time.Hour+5*time.Minute)
			err := b.unchanged(t, func() error { return b.Open(b.request(t), p, start, start.Add(time.Hour)) })
			refused(t, err, booking.ProviderBusy, facts{
				"conflictingAppointmentId": booking.ID(a), "timeSlot": start.Add(5 * time.Minute), "endsAt": end.Add(5 * time.Minute),
			})
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				b := setup(t, db)
				test(t, b)
				b.log.silent(t)
			})
		})
	}
}

// verbs are all of them, each on rows of its own for which it would succeed.
func (b *bundle) verbs(t *testing.T) map[string]func(context.Context) error {
	t.Helper()
	client, provider, slot := b.client(t), b.provider(t), b.slot(t, tomorrow+time.Hour)
	hold := func() int { return b.held(t, b.client(t), b.slot(t, tomorrow+time.Hour)) }
	confirm, cancel, move, to, withdrawn := hold(), hold(), hold(), b.slot(t, tomorrow+2*time.Hour), b.slot(t, tomorrow+time.Hour)
	b.confirmed(t, b.client(t), withdrawn)
	return map[string]func(context.Context) error{
		"reserve":    func(ctx context.Context) error { _, err := b.Reserve(ctx, client, slot); return err },
		"confirm":    func(ctx context.Context) error { return b.Confirm(ctx, confirm) },
		"cancel":     func(ctx context.Context) error { return b.Cancel(ctx, cancel) },
		"reschedule": func(ctx context.Context) error { return b.Reschedule(ctx, move, to) },
		"withdraw":   func(ctx context.Context) error { return b.CancelAppointment(ctx, withdrawn) },
		"open": func(ctx context.Context) error {
			return b.Open(ctx, provider, noon.Add(tomorrow), noon.Add(tomorrow+time.Hour))
		},
	}
}

func TestTheRequestEnds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		for name, verb := range b.verbs(t) {
			t.Run(name+" after its end", func(t *testing.T) {
				ctx, cancel := context.WithCancel(b.request(t))
				cancel()
				if err := b.unchanged(t, func() error { return verb(ctx) }); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want that the request was cancelled", err)
				}
			})
			t.Run(name+" while it holds its locks", func(t *testing.T) {
				ctx, cancel := context.WithCancel(b.request(t))
				b.Clock = func() time.Time { cancel(); return noon }
				defer func() { b.Clock = b.clock.Now }()
				if err := b.unchanged(t, func() error { return verb(ctx) }); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want that the request was cancelled", err)
				}
			})
			t.Run(name+" in time", func(t *testing.T) { // so it could have changed something
				before := b.rows(t)
				must(t, verb(b.request(t)))
				if b.rows(t) == before {
					t.Error("nothing changed")
				}
			})
		}
		b.log.silent(t)
	})
}

// A verb decides at its own moment, so its request may come without one.
func TestNoMoment(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		for name, verb := range b.verbs(t) {
			before := b.rows(t)
			if err := verb(viewer.NewContext(t.Context(), viewer.Local())); err != nil || before == b.rows(t) {
				t.Errorf("%s did nothing: %v", name, err)
			}
		}
		b.log.silent(t)
	})
}
