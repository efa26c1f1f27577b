package gate

import (
	"context"

	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/ent/orm/predicate"
	"docket/ent/orm/reservation"
	"docket/internal/booking"
)

// Reserve holds an appointment for a client and returns the reservation's id.
func (g *Gate) Reserve(ctx context.Context, clientID, appointmentID int) (int, error) {
	return g.do(ctx, func(tx *orm.Tx) (int, error) {
		if err := lockClient(ctx, tx, clientID); err != nil {
			return 0, err
		}
		a, err := lockAppointment(ctx, tx, appointmentID)
		if err != nil {
			return 0, err
		}
		rivals, err := rivals(ctx, tx, clientID, a)
		if err != nil {
			return 0, err
		}
		ctx, m := g.now(ctx)
		mine, err := m.Rules.Reserve(m.Now, booking.ID(clientID), offer(a), rivals)
		if err != nil {
			return 0, err
		}
		if mine != nil {
			return int(mine.ID), nil
		}
		expiry := m.Now.Add(m.Rules.HoldLength)
		r, err := tx.Reservation.Create().
			SetClientID(clientID).SetAppointmentID(a.ID).SetProviderID(a.ProviderID).
			SetTimeSlot(a.TimeSlot).SetEndsAt(a.EndsAt).
			SetExpiry(expiry).SetActiveFrom(m.Now).SetActiveUntil(expiry).Save(ctx)
		if err != nil {
			return 0, err
		}
		return r.ID, nil
	})
}

// Confirm makes a hold lasting. Confirming again changes nothing.
func (g *Gate) Confirm(ctx context.Context, id int) error {
	return g.move(ctx, id, nil, func(tx *orm.Tx, r *orm.Reservation, _ *orm.Appointment) error {
		ctx, m := g.now(ctx)
		change, err := booking.Confirm(m.Now, claim(r))
		if err != nil || !change {
			return err
		}
		return tx.Reservation.UpdateOneID(id).SetState(reservation.StateCONFIRMED).
			SetConfirmedAt(m.Now).ClearActiveUntil().Exec(ctx)
	})
}

// Cancel lets go of a held or confirmed reservation. Cancelling what has let
// go already changes nothing.
func (g *Gate) Cancel(ctx context.Context, id int) error {
	return g.move(ctx, id, nil, func(tx *orm.Tx, r *orm.Reservation, _ *orm.Appointment) error {
		ctx, m := g.now(ctx)
		return cancel(ctx, tx, m, r)
	})
}

// Reschedule moves a reservation to another appointment.
func (g *Gate) Reschedule(ctx context.Context, id, to int) error {
	return g.move(ctx, id, &to, func(tx *orm.Tx, r *orm.Reservation, a *orm.Appointment) error {
		rivals, err := rivals(ctx, tx, r.ClientID, a)
		if err != nil {
			return err
		}
		ctx, m := g.now(ctx)
		change, err := m.Rules.Reschedule(m.Now, claim(r), offer(a), rivals)
		if err != nil || !change {
			return err
		}
		return tx.Reservation.UpdateOneID(id).
			SetAppointmentID(a.ID).SetProviderID(a.ProviderID).SetTimeSlot(a.TimeSlot).SetEndsAt(a.EndsAt).
			SetActiveFrom(m.Now).Exec(ctx)
	})
}

// move is a verb on a reservation: decide gets it, and the appointment to (or
// its own), locked.
func (g *Gate) move(ctx context.Context, id int, to *int,
	decide func(*orm.Tx, *orm.Reservation, *orm.Appointment) error,
) error {
	_, err := g.do(ctx, func(tx *orm.Tx) (int, error) {
		r, err := tx.Reservation.Get(ctx, id)
		if err != nil {
			return 0, missing(err, "Reservation", id)
		}
		if err := lockClient(ctx, tx, r.ClientID); err != nil {
			return 0, err
		}
		// Under the client's lock a reservation stays on its appointment.
		if r, err = tx.Reservation.Get(ctx, id); err != nil {
			return 0, missing(err, "Reservation", id)
		}
		a, err := lockAppointments(ctx, tx, r.AppointmentID, to)
		if err != nil {
			return 0, err
		}
		// Under the appointment's lock its state stays, too.
		if r, err = tx.Reservation.Get(ctx, id); err != nil {
			return 0, missing(err, "Reservation", id)
		}
		return id, decide(tx, r, a)
	})
	return err
}

// lockAppointments locks the appointment from, and to if there is one, in the
// order of their ids, and returns the one that matters: to, else from.
func lockAppointments(ctx context.Context, tx *orm.Tx, from int, to *int) (*orm.Appointment, error) {
	if to == nil || *to == from {
		return lockAppointment(ctx, tx, from)
	}
	first, second := min(from, *to), max(from, *to)
	a, err := lockAppointment(ctx, tx, first)
	if err != nil {
		return nil, err
	}
	b, err := lockAppointment(ctx, tx, second)
	if err != nil || b.ID == *to {
		return b, err
	}
	return a, nil
}

// cancel ends a reservation at the moment m, where that changes it.
func cancel(ctx context.Context, tx *orm.Tx, m booking.Moment, r *orm.Reservation) error {
	if !booking.Cancel(m.Now, claim(r)) {
		return nil
	}
	until := m.Now
	if until.Before(r.ActiveFrom) { // another server's clock was ahead
		until = r.ActiveFrom
	}
	return tx.Reservation.UpdateOneID(r.ID).SetState(reservation.StateCANCELLED).
		SetCancelledAt(m.Now).SetActiveUntil(until).Exec(ctx)
}

// rivals are the reservations that may stand in the way of the client having
// the appointment: those on it, and the client's own that overlap it.
func rivals(ctx context.Context, tx *orm.Tx, clientID int, a *orm.Appointment) ([]booking.Reservation, error) {
	rows, err := tx.Reservation.Query().Where(
		reservation.StateNEQ(reservation.StateCANCELLED),
		reservation.Or(
			reservation.AppointmentID(a.ID),
			predicate.Reservation(reservation.And(
				reservation.ClientID(clientID), reservation.TimeSlotLT(a.EndsAt), reservation.EndsAtGT(a.TimeSlot))),
		),
	).Order(reservation.ByID()).All(ctx)
	claims := make([]booking.Reservation, len(rows))
	for i, r := range rows {
		claims[i] = claim(r)
	}
	return claims, err
}

func claim(r *orm.Reservation) booking.Reservation {
	return booking.Reservation{
		ID: booking.ID(r.ID), Client: booking.ID(r.ClientID), Appointment: booking.ID(r.AppointmentID),
		Slot: booking.Slot{Start: r.TimeSlot, End: r.EndsAt}, State: booking.State(r.State), Expiry: r.Expiry,
	}
}

func offer(a *orm.Appointment) booking.Appointment {
	return booking.Appointment{
		ID: booking.ID(a.ID), Slot: booking.Slot{Start: a.TimeSlot, End: a.EndsAt},
		Cancelled: a.Status == appointment.StatusCANCELLED,
	}
}
