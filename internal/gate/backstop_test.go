package gate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"entgo.io/ent"
	"github.com/lib/pq"

	"docket/ent/orm"
	"docket/ent/orm/reservation"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/overlap"
)

// whenCreating calls do before a row is created.
func whenCreating(do func(ent.Mutation)) ent.Hook {
	return func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			if m.Op().Is(ent.OpCreate) {
				do(m)
			}
			return next.Mutate(ctx, m)
		})
	}
}

// evil creates reservations without asking the gate.
func (b *bundle) evil(t *testing.T, client, appointment int) *orm.ReservationCreate {
	t.Helper()
	a := b.appointment(t, appointment)
	return b.DB.Reservation.Create().SetClientID(client).SetAppointmentID(a.ID).SetProviderID(a.ProviderID).
		SetTimeSlot(a.TimeSlot).SetEndsAt(a.EndsAt).
		SetExpiry(noon.Add(time.Hour)).SetActiveFrom(noon).SetActiveUntil(noon.Add(time.Hour))
}

// A row that the rules do not see, because it says that it is cancelled, while
// it keeps its slot all the same: no verb makes one.
func (b *bundle) undead(t *testing.T, client, appointment int) {
	t.Helper()
	must(t, b.evil(t, client, appointment).SetState(reservation.StateCANCELLED).Exec(b.request(t)))
}

// tells runs a verb that a constraint refuses, for what the scope has already,
// and fails the test unless the error tells the reservation in the way.
func (b *bundle) tells(t *testing.T, scope int, verb func() error) error {
	t.Helper()
	err := b.unchanged(t, verb)
	var c *overlap.Conflict
	if !errors.As(err, &c) || c.With == nil {
		t.Errorf("got %v, want what is in the way", err)
		return err
	}
	if r := b.reservation(t, c.With.ID); c.With.Scope != scope || r.State != "CANCELLED" {
		t.Errorf("got %+v, want the one of %d", c.With, scope)
	}
	return err
}

// A constraint refuses what goes round the gate, whoever does it.
func TestBackstopsHold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		client, provider := b.client(t), b.provider(t)
		other := b.client(t)
		slot, overlapping := b.slotOf(t, provider, tomorrow+time.Hour), b.slot(t, tomorrow+time.Hour+5*time.Minute)
		b.confirmed(t, client, slot)
		tests := map[string]struct {
			write      func() error
			constraint string
		}{
			"a slot for two": {func() error {
				return b.evil(t, other, slot).Exec(b.request(t))
			}, "reservations_slot_taken"},
			"a client at two places": {func() error {
				return b.evil(t, client, overlapping).Exec(b.request(t))
			}, "reservations_client_busy"},
			"two slots at a time": {func() error {
				return b.DB.Appointment.Create().SetProviderID(provider).SetTimeSlot(noon.Add(tomorrow + time.Hour - time.Minute)).
					SetEndsAt(noon.Add(tomorrow + 2*time.Hour)).Exec(b.request(t))
			}, "appointments_provider_overlap"},
			"a slot at another time than its appointment": {func() error {
				return b.evil(t, other, overlapping).SetTimeSlot(noon).Exec(b.request(t))
			}, ""}, // a foreign key's: SQLite does not tell its name
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				if err := b.unchanged(t, tt.write); err == nil || !strings.Contains(err.Error(), tt.constraint) {
					t.Errorf("got %v, want that %s refuses it", err, tt.constraint)
				}
			})
		}
	})
}

// What a constraint had to refuse reaches the asker as the refusal it means,
// and the log once: some path went round the gate.
func TestBackstopsAreExplainedAndLogged(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code       booking.Code
		constraint string
		verb       func(t *testing.T, b *bundle) error
	}{
		"a reservation of a slot somebody has": {
			booking.SlotTaken, "reservations_slot_taken",
			func(t *testing.T, b *bundle) error {
				t.Helper()
				client, slot := b.client(t), b.slot(t, tomorrow+time.Hour)
				b.undead(t, b.client(t), slot)
				return b.tells(t, slot, func() error { _, err := b.Reserve(b.request(t), client, slot); return err })
			},
		},
		"a move to a slot somebody has": {
			booking.SlotTaken, "reservations_slot_taken",
			func(t *testing.T, b *bundle) error {
				t.Helper()
				id, slot := b.held(t, b.client(t), b.slot(t, tomorrow)), b.slot(t, tomorrow+time.Hour)
				b.undead(t, b.client(t), slot)
				return b.unchanged(t, func() error { return b.Reschedule(b.request(t), id, slot) }) // by an update of rows, which SQLite tells nothing of
			},
		},
		"a reservation for a client who is elsewhere": {
			booking.ClientBusy, "reservations_client_busy",
			func(t *testing.T, b *bundle) error {
				t.Helper()
				client, slot := b.client(t), b.slot(t, tomorrow+time.Hour)
				b.undead(t, client, b.slot(t, tomorrow+time.Hour+5*time.Minute))
				return b.tells(t, client, func() error { _, err := b.Reserve(b.request(t), client, slot); return err })
			},
		},
		"a slot across one that is open": {
			booking.ProviderBusy, "appointments_provider_overlap",
			func(t *testing.T, b *bundle) error {
				t.Helper()
				provider, done := b.provider(t), false
				b.DB.Appointment.Use(whenCreating(func(m ent.Mutation) {
					if done {
						return
					}
					done = true
					tx, err := m.(*orm.AppointmentMutation).Tx() // the gate has looked already
					must(t, err)
					must(t, tx.Appointment.Create().SetProviderID(provider).SetTimeSlot(noon.Add(time.Hour+time.Minute)).
						SetEndsAt(noon.Add(time.Hour+2*time.Minute)).Exec(b.request(t)))
				}))
				return b.unchanged(t, func() error { return b.Open(b.request(t), provider, noon, noon.Add(2*time.Hour)) })
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				b := setup(t, db)
				overlapped(t, tt.verb(t, b), tt.code)
				if len(b.log.entries) != 1 || !strings.HasPrefix(b.log.entries[0], "ERROR") || !strings.Contains(b.log.entries[0], tt.constraint) {
					t.Errorf("logged %q, want one error that tells of %s", b.log.entries, tt.constraint)
				}
			})
		})
	}
}

// Errors that are no backstop's pass through as they are.
func TestOtherConstraintsAreNotExplained(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		client, slot := b.client(t), b.slot(t, tomorrow)
		b.DB.Reservation.Use(whenCreating(func(m ent.Mutation) {
			m.(*orm.ReservationMutation).SetTimeSlot(noon) // not its appointment's
		}))
		_, err := b.Reserve(b.request(t), client, slot)
		if refusal := (*booking.Refusal)(nil); !orm.IsConstraintError(err) || errors.As(err, &refusal) {
			t.Errorf("got %v, want the error of a foreign key", err)
		}
		b.log.silent(t)
	})
}

// A verb that lost to another transaction is run again, from the start.
func TestAVerbThatLostIsRunAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		client, slot := b.client(t), b.slot(t, tomorrow+time.Hour)
		tries := 0
		b.DB.Reservation.Use(func(next ent.Mutator) ent.Mutator {
			return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
				if tries++; tries < 3 {
					b.clock.set(time.Duration(tries) * time.Minute)
					return nil, &pq.Error{Code: "40P01"}
				}
				return next.Mutate(ctx, m)
			})
		})
		id := b.held(t, client, slot)
		if got := b.reservation(t, id); got.Active != "2m0s to 32m0s" {
			t.Errorf("got %+v, want a hold from when the third try had its locks", got)
		}
		same(t, "the versions", b.versions(t, client, slot), []int{1, 1})
		b.log.silent(t)
	})
}
