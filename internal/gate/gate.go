// Package gate is the only way in which bookings change.
//
// Every verb is one transaction that works in one order: lock the client (the
// provider, when slots are opened), then the appointments by id, read what
// matters, and only then the clock. So whoever decides, decides alone, on what
// is true and at what time it is; a clock read any sooner might be behind the
// rows, and a slot withdrawn in between would end after its successor begins.
// The decision itself is package booking's. Behind the gate stand constraints
// in the database that no writer can go round; when one of them speaks, some
// path went round the gate, and that is logged.
package gate

import (
	"context"
	"log/slog"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/ent/orm/customer"
	"docket/ent/orm/provider"
	"docket/ent/orm/reservation"
	"docket/internal/booking"
	"docket/internal/txn"
)

// Gate performs the verbs of booking on a database.
type Gate struct {
	DB    *orm.Client
	Rules booking.Rules
	Clock func() time.Time
	Log   *slog.Logger
}

// NotFound says that there is no row of the type with the id.
type NotFound struct {
	Type string
	ID   int
}

func (e *NotFound) Error() string { return "there is no such " + e.Type }

// rows are appointments inserted by one statement, so that their arguments
// stay below what a statement takes on either database.
const rows = 1000

// Open opens what is missing of the slots of [start, end) of a provider.
func (g *Gate) Open(ctx context.Context, providerID int, start, end time.Time) error {
	want, err := g.Rules.Cut(start, end)
	if err != nil {
		return err
	}
	start, end = want[0].Start, want[len(want)-1].End // in UTC
	_, err = g.do(ctx, func(tx *orm.Tx) (int, error) {
		if _, err := tx.Provider.Query().Where(provider.ID(providerID), locked).OnlyID(ctx); err != nil {
			return 0, missing(err, "Provider", providerID)
		}
		open, err := tx.Appointment.Query().Where(
			appointment.ProviderID(providerID), appointment.StatusEQ(appointment.StatusOPEN),
			appointment.TimeSlotLT(end), appointment.EndsAtGT(start)).All(ctx)
		if err != nil {
			return 0, err
		}
		opened := make([]booking.Opened, len(open))
		for i, a := range open {
			opened[i] = booking.Opened{Slot: booking.Slot{Start: a.TimeSlot, End: a.EndsAt}, Appointment: booking.ID(a.ID)}
		}
		lacking, err := booking.Missing(want, opened)
		if err != nil {
			return 0, err
		}
		ctx, _ := g.now(ctx)
		for len(lacking) > 0 {
			n := min(rows, len(lacking))
			err := tx.Appointment.MapCreateBulk(lacking[:n], func(c *orm.AppointmentCreate, i int) {
				c.SetProviderID(providerID).SetTimeSlot(lacking[i].Start).SetEndsAt(lacking[i].End)
			}).Exec(ctx)
			if err != nil {
				return 0, err
			}
			lacking = lacking[n:]
		}
		return 0, nil
	})
	return err
}

// CancelAppointment withdraws a slot and cancels the live reservations on it.
// Cancelling it again changes nothing.
func (g *Gate) CancelAppointment(ctx context.Context, id int) error {
	_, err := g.do(ctx, func(tx *orm.Tx) (int, error) {
		a, err := lockAppointment(ctx, tx, id)
		if err != nil {
			return 0, err
		}
		if a.Status == appointment.StatusCANCELLED {
			return id, nil
		}
		on, err := tx.Reservation.Query().Where(reservation.AppointmentID(id)).All(ctx)
		if err != nil {
			return 0, err
		}
		ctx, m := g.now(ctx)
		for _, r := range on {
			if err := cancel(ctx, tx, m, r); err != nil {
				return 0, err
			}
		}
		return id, tx.Appointment.UpdateOneID(id).SetStatus(appointment.StatusCANCELLED).Exec(ctx)
	})
	return err
}

// do runs a verb, and explains what the constraints behind the gate refuse.
func (g *Gate) do(ctx context.Context, verb func(tx *orm.Tx) (int, error)) (int, error) {
	id, err := txn.Do(ctx, g.DB, verb)
	if refusal := backstop(err); refusal != nil {
		g.Log.ErrorContext(ctx, "a constraint refused what the gate let through", "error", err)
		return 0, refusal
	}
	return id, err
}

// now is the moment at which a verb decides, and ctx at that moment. It is read
// after the locks, and after the rows that the decision is about.
func (g *Gate) now(ctx context.Context) (context.Context, booking.Moment) {
	m := booking.Moment{Now: booking.Instant(g.Clock()), Rules: g.Rules}
	return booking.NewContext(ctx, m), m
}

// locked is a predicate that locks the rows it meets against all who would
// change or lock them, but not against those whose rows refer to them. SQLite
// has no such lock and needs none: a transaction there is the only one that
// writes, from its beginning.
func locked(s *sql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.For(sql.LockUpdate, sql.WithLockClause("FOR NO KEY UPDATE"))
	}
}

// lockClient makes the transaction the only one that changes what the client has.
func lockClient(ctx context.Context, tx *orm.Tx, id int) error {
	_, err := tx.Customer.Query().Where(customer.ID(id), locked).OnlyID(ctx)
	return missing(err, "Client", id)
}

// lockAppointment makes the transaction the only one that decides who has the appointment.
func lockAppointment(ctx context.Context, tx *orm.Tx, id int) (*orm.Appointment, error) {
	a, err := tx.Appointment.Query().Where(appointment.ID(id), locked).Only(ctx)
	return a, missing(err, "Appointment", id)
}

func missing(err error, typ string, id int) error {
	if orm.IsNotFound(err) {
		return &NotFound{typ, id}
	}
	return err
}
