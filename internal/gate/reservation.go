package gate

import (
	"context"
	"errors"
	"fmt"

	"entgo.io/ent/dialect/sql"

	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/ent/orm/customer"
	"docket/ent/orm/predicate"
	"docket/ent/orm/reservation"
	"docket/internal/booking"
	"docket/internal/overlap"
	"docket/internal/txn"
)

// Reserve holds an appointment for a client and returns the reservation's id.
func (g *Gate) Reserve(ctx context.Context, tx *orm.Tx, clientID, appointmentID int) (id int, err error) {
	ctx, ended := g.observed(ctx, "reserve", clientID, appointmentID)
	defer ended(&err)
	if ctx, err = mayReserve(ctx, tx, tx.Customer, clientID, appointmentID); err != nil {
		return 0, err
	}
	a, err := lockBoth(ctx, tx, clientID, appointmentID)
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
		if refusal := (*booking.Refusal)(nil); errors.As(err, &refusal) && (refusal.Code == booking.SlotHeld || refusal.Code == booking.SlotTaken) {
			g.contended.note(appointmentID)
		}
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
		return 0, g.wrote(ctx, err)
	}
	return r.ID, nil
}

// Glance refuses a reservation where somebody else has the slot already, as
// Reserve would. It locks nothing, so that those who come too late for a slot
// that many want do not queue up for it. Where nobody was refused lately it does
// not even look. nil promises nothing.
func (g *Gate) Glance(ctx context.Context, db *orm.Client, clientID, appointmentID int) (err error) {
	if !g.contended.has(appointmentID) {
		return nil
	}
	ctx, ended := g.observed(ctx, "glance", clientID, appointmentID)
	defer ended(&err)
	ctx, err = mayReserve(ctx, db, db.Customer, clientID, appointmentID)
	if err != nil {
		return err
	}
	on, err := db.Reservation.Query().Where(
		reservation.AppointmentID(appointmentID), reservation.StateNEQ(reservation.StateCANCELLED),
		// Who is not there is told so by Reserve, before anything else, and so is
		// who wants what was withdrawn.
		func(s *sql.Selector) {
			c, a := sql.Table(customer.Table).As("c"), sql.Table(appointment.Table).As("a")
			s.Join(c).OnP(sql.EQ(c.C(customer.FieldID), clientID))
			s.Join(a).OnP(sql.And(
				sql.ColumnsEQ(a.C(appointment.FieldID), s.C(reservation.FieldAppointmentID)),
				sql.EQ(a.C(appointment.FieldStatus), appointment.StatusOPEN)))
		}).Order(reservation.ByID()).All(ctx)
	if err != nil {
		return err
	}
	_, m := g.now(ctx)
	var taken []booking.Reservation
	for _, r := range on {
		if r := claim(r); r.Live(m.Now) {
			taken = append(taken, r)
		}
	}
	if len(taken) == 0 {
		return nil
	}
	// The client may be among them: after the clock was set back, a slot can have two.
	_, err = m.Rules.Reserve(m.Now, booking.ID(clientID), booking.Appointment{ID: taken[0].Appointment, Slot: taken[0].Slot}, taken)
	return err
}

// Confirm makes a hold lasting. Confirming again changes nothing.
func (g *Gate) Confirm(ctx context.Context, tx *orm.Tx, id int, expected *int) (err error) {
	ctx, ended := g.observed(ctx, "confirm", id)
	defer ended(&err)
	if ctx, err = mayMove(ctx, tx, id); err != nil {
		return err
	}
	r, a, err := lockReservation(ctx, tx, id, nil, expected)
	if err != nil {
		return err
	}
	ctx, m := g.now(ctx)
	change, err := booking.Confirm(m.Now, claim(r), offer(a))
	if err != nil || !change {
		return err
	}
	return g.wrote(ctx, tx.Reservation.Update().Where(reservation.ID(id)).SetState(reservation.StateCONFIRMED).
		SetConfirmedAt(m.Now).ClearActiveUntil().Exec(ctx))
}

// Cancel lets go of a held or confirmed reservation. Cancelling what has let
// go already changes nothing.
func (g *Gate) Cancel(ctx context.Context, tx *orm.Tx, id int, expected *int) (err error) {
	ctx, ended := g.observed(ctx, "cancel", id)
	defer ended(&err)
	if ctx, err = mayMove(ctx, tx, id); err != nil {
		return err
	}
	r, _, err := lockReservation(ctx, tx, id, nil, expected)
	if err != nil {
		return err
	}
	ctx, m := g.now(ctx)
	return g.cancel(ctx, tx, m, r)
}

// Reschedule moves a reservation to another appointment.
func (g *Gate) Reschedule(ctx context.Context, tx *orm.Tx, id, to int, expected *int) (err error) {
	ctx, ended := g.observed(ctx, "reschedule", id, to)
	defer ended(&err)
	if ctx, err = mayMove(ctx, tx, id); err != nil {
		return err
	}
	r, a, err := lockReservation(ctx, tx, id, &to, expected)
	if err != nil {
		return err
	}
	rivals, err := rivals(ctx, tx, r.ClientID, a)
	if err != nil {
		return err
	}
	ctx, m := g.now(ctx)
	change, err := m.Rules.Reschedule(m.Now, claim(r), offer(a), rivals)
	if err != nil || !change {
		return err
	}
	return g.wrote(ctx, tx.Reservation.Update().Where(reservation.ID(id)).
		SetAppointmentID(a.ID).SetProviderID(a.ProviderID).SetTimeSlot(a.TimeSlot).SetEndsAt(a.EndsAt).
		SetActiveFrom(m.Now).Exec(ctx))
}

// cancel ends a reservation at the moment m, where that changes it.
func (g *Gate) cancel(ctx context.Context, tx *orm.Tx, m booking.Moment, r *orm.Reservation) error {
	if !booking.Cancel(m.Now, claim(r)) {
		return nil
	}
	until := m.Now
	if until.Before(r.ActiveFrom) { // another server's clock was ahead
		until = r.ActiveFrom
	}
	return g.wrote(ctx, tx.Reservation.Update().Where(reservation.ID(r.ID)).SetState(reservation.StateCANCELLED).
		SetCancelledAt(m.Now).SetActiveUntil(until).Exec(ctx))
}

// wrote passes on how a write ended, and logs one that a constraint refused.
func (g *Gate) wrote(ctx context.Context, err error) error {
	if errors.As(err, new(*overlap.Conflict)) {
		g.Log.ErrorContext(ctx, "a constraint refused what the gate let through", "error", err)
	}
	return err
}

// Locking goes by one statement: PostgreSQL locks what it joins, row by row, in
// the order in which the tables are named, and waits where somebody else has a
// lock. What it returns of a locked row is the newest; of any other it may be
// what was there before the wait. SQLite has no such lock and needs none: a
// transaction there is the only one that writes, from its beginning.

// lockBoth makes the transaction the only one that changes what the client has,
// and that decides who has the appointment.
func lockBoth(ctx context.Context, tx *orm.Tx, clientID, id int) (*orm.Appointment, error) {
	a, err := tx.Appointment.Query().Where(appointment.ID(id), func(s *sql.Selector) {
		c := sql.Table(customer.Table).As("c")
		s.Join(c).OnP(sql.EQ(c.C(customer.FieldID), clientID))
		txn.Lock(s, "c", appointment.Table)
	}).Only(ctx)
	if !orm.IsNotFound(err) {
		return a, err
	}
	switch there, err := tx.Customer.Query().Where(customer.ID(clientID)).Exist(ctx); {
	case err != nil:
		return nil, err
	case !there:
		return nil, &NotFound{"Client", clientID}
	}
	return nil, &NotFound{"Appointment", id}
}

// lockReservation locks the client of a reservation, then its appointment and
// the one to move it to, if there is one. It returns the reservation, which
// nobody else changes now, and the appointment that matters: to, else its own.
func lockReservation(ctx context.Context, tx *orm.Tx, id int, to, expected *int) (*orm.Reservation, *orm.Appointment, error) {
	locked, err := tx.Appointment.Query().Where(func(s *sql.Selector) {
		r, c := sql.Table(reservation.Table).As("r"), sql.Table(customer.Table).As("c")
		on := sql.ColumnsEQ(s.C(appointment.FieldID), r.C(reservation.FieldAppointmentID))
		if to != nil {
			on = sql.Or(on, sql.EQ(s.C(appointment.FieldID), *to))
		}
		s.Join(r).OnP(sql.And(on, sql.EQ(r.C(reservation.FieldID), id)))
		s.Join(c).OnP(sql.ColumnsEQ(c.C(customer.FieldID), r.C(reservation.FieldClientID)))
		txn.Lock(s, "c", appointment.Table)
	}).Order(appointment.ByID()).All(ctx)
	if err != nil {
		return nil, nil, err
	}
	r, err := tx.Reservation.Get(ctx, id)
	if err != nil {
		return nil, nil, Missing(err, "Reservation", id)
	}
	if err := Expect(ctx, tx, id, r.Version, expected); err != nil {
		return nil, nil, err
	}
	byID := map[int]*orm.Appointment{}
	for _, a := range locked {
		byID[a.ID] = a
	}
	if byID[r.AppointmentID] == nil {
		return nil, nil, fmt.Errorf("%w: reservation %d was moved meanwhile", txn.ErrAgain, id)
	}
	if to == nil {
		to = &r.AppointmentID
	}
	if byID[*to] == nil {
		return nil, nil, &NotFound{"Appointment", *to}
	}
	return r, byID[*to], nil
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
