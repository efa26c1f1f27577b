// Package gate is the only way in which bookings change.
//
// Every verb is part of a transaction, and works in one order: ask the policy of
// the entity that it is about whether the viewer may have it done, lock the client
// (the provider, when slots are opened), then the appointments by id, read what
// matters, and only then the clock. So whoever decides, decides alone, on what
// is true and at what time it is; a clock read any sooner might be behind the
// rows, and a slot withdrawn in between would end after its successor begins.
// The decision itself is package booking's. Behind the gate stand constraints
// in the database that no writer can go round; when one of them speaks, some
// path went round the gate, and that is logged.
package gate

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/ent/orm/change"
	"docket/ent/orm/provider"
	"docket/ent/orm/reservation"
	"docket/internal/booking"
	"docket/internal/txn"
)

// Gate performs the verbs of booking.
type Gate struct {
	Rules booking.Rules
	Clock func() time.Time
	Log   *slog.Logger

	Observer Observer // nil for nobody

	contended contended
}

// NotFound says that there is no row of the type with the id.
type NotFound struct {
	Type string
	ID   int
}

func (e *NotFound) Error() string { return "there is no such " + e.Type }

// VersionConflict says that a row has not the version that was expected.
type VersionConflict struct {
	ID                int
	Expected, Version int
	Changed           []string // the columns that have changed in between
}

func (e *VersionConflict) Error() string {
	return fmt.Sprintf("the row %d has version %d, not %d", e.ID, e.Version, e.Expected)
}

// Expect refuses a row, which is locked, unless it has the version that the
// asker expects; nil expects any. A change of this transaction may be newer.
func Expect(ctx context.Context, tx *orm.Tx, id, version int, expected *int) error {
	if expected == nil || version == *expected {
		return nil
	}
	since, err := tx.Change.Query().Where(change.RowID(id), change.VersionGT(*expected), change.VersionLTE(version)).Order(change.ByID()).
		All(entity.Service(ctx))
	if err != nil {
		return err
	}
	conflict := &VersionConflict{ID: id, Expected: *expected, Version: version}
	for _, c := range since {
		conflict.Changed = append(conflict.Changed, c.Columns...)
	}
	return conflict
}

// rows are appointments inserted by one statement, so that their arguments
// stay below what a statement takes on either database.
const rows = 1000

// Open opens what is missing of the slots of [start, end) of a provider.
func (g *Gate) Open(ctx context.Context, tx *orm.Tx, providerID int, start, end time.Time) (err error) {
	ctx, ended := g.observed(ctx, "open", providerID)
	defer ended(&err)
	if ctx, err = mayOpen(ctx, tx, providerID); err != nil {
		return err
	}
	want, err := g.Rules.Cut(start, end)
	if err != nil {
		return err
	}
	start, end = want[0].Start, want[len(want)-1].End // in UTC
	if _, err := tx.Provider.Query().Where(provider.ID(providerID), txn.Locked).OnlyID(ctx); err != nil {
		return Missing(err, "Provider", providerID)
	}
	open, err := tx.Appointment.Query().Where(
		appointment.ProviderID(providerID), appointment.StatusEQ(appointment.StatusOPEN),
		appointment.TimeSlotLT(end), appointment.EndsAtGT(start)).All(ctx)
	if err != nil {
		return err
	}
	opened := make([]booking.Opened, len(open))
	for i, a := range open {
		opened[i] = booking.Opened{Slot: booking.Slot{Start: a.TimeSlot, End: a.EndsAt}, Appointment: booking.ID(a.ID)}
	}
	lacking, err := booking.Missing(want, opened)
	if err != nil {
		return err
	}
	ctx, _ = g.now(ctx)
	for len(lacking) > 0 {
		n := min(rows, len(lacking))
		err := tx.Appointment.MapCreateBulk(lacking[:n], func(c *orm.AppointmentCreate, i int) {
			c.SetProviderID(providerID).SetTimeSlot(lacking[i].Start).SetEndsAt(lacking[i].End)
		}).Exec(ctx)
		if err != nil {
			return g.wrote(ctx, err)
		}
		lacking = lacking[n:]
	}
	return nil
}

// CancelAppointment withdraws a slot and cancels the live reservations on it.
// Cancelling it again changes nothing.
func (g *Gate) CancelAppointment(ctx context.Context, tx *orm.Tx, id int, expected *int) (err error) {
	ctx, ended := g.observed(ctx, "withdraw", id)
	defer ended(&err)
	if ctx, err = mayCancel(ctx, tx, id); err != nil {
		return err
	}
	a, err := tx.Appointment.Query().Where(appointment.ID(id), txn.Locked).Only(ctx)
	if err != nil {
		return Missing(err, "Appointment", id)
	}
	if err := Expect(ctx, tx, id, a.Version, expected); err != nil {
		return err
	}
	if a.Status == appointment.StatusCANCELLED {
		return nil
	}
	on, err := tx.Reservation.Query().Where(reservation.AppointmentID(id)).All(ctx)
	if err != nil {
		return err
	}
	ctx, m := g.now(ctx)
	for _, r := range on {
		if err := g.cancel(ctx, tx, m, r); err != nil {
			return err
		}
	}
	return g.wrote(ctx, tx.Appointment.Update().Where(appointment.ID(id)).SetStatus(appointment.StatusCANCELLED).Exec(ctx))
}

// now is the moment at which a verb decides, and ctx at that moment. It is read
// after the locks, and after the rows that the decision is about.
func (g *Gate) now(ctx context.Context) (context.Context, booking.Moment) {
	m := booking.Moment{Now: booking.Instant(g.Clock()), Rules: g.Rules}
	return booking.NewContext(ctx, m), m
}

// Missing turns ent's "not found" into [NotFound].
func Missing(err error, typ string, id int) error {
	if orm.IsNotFound(err) {
		return &NotFound{typ, id}
	}
	return err
}
