package gql

import (
	"context"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"

	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/gql/model"
	"docket/internal/booking"
	"docket/internal/planner"
)

// computed are the fields of a reservation that depend on the clock.
func computed() map[string][]planner.Computed {
	field := func(name string, write func(*planner.Values, booking.State)) planner.Computed {
		return planner.Computed{Name: name, Columns: []string{"state", "expiry"}, Resolve: states(write)}
	}
	return map[string][]planner.Computed{"Reservation": {
		field("state", func(out *planner.Values, s booking.State) { out.Text(string(s)) }),
		field("expired", func(out *planner.Values, s booking.State) { out.Bool(s == booking.Expired) }),
		field("confirmed", func(out *planner.Values, s booking.State) { out.Bool(s == booking.Confirmed) }),
	}}
}

// states finds where reservations stand at the moment of the request.
func states(write func(*planner.Values, booking.State)) func(context.Context, map[string]any, planner.Rows, *planner.Values) error {
	return func(ctx context.Context, _ map[string]any, rows planner.Rows, out *planner.Values) error {
		m, err := booking.FromContext(ctx)
		if err != nil {
			return err
		}
		for i := range rows.Len() {
			expiry, err := rows.Time(i, 1)
			if err != nil {
				return err
			}
			write(out, booking.Reservation{State: booking.State(rows.Text(i, 0)), Expiry: expiry}.At(m.Now))
		}
		return nil
	}
}

// AppointmentBulkCreate opens a range of time for booking. The payload holds the
// open slots of the whole range.
func (r mutationResolver) AppointmentBulkCreate(ctx context.Context, in model.AppointmentBulkCreateInput) (*planner.Payload, error) {
	if err := wantID("providerId", in.ProviderID, "Provider"); err != nil {
		return nil, err
	}
	opened := func(s *entsql.Selector) {
		s.Where(entsql.And(
			entsql.EQ(s.C(appointment.FieldProviderID), in.ProviderID),
			entsql.EQ(s.C(appointment.FieldStatus), appointment.StatusOPEN),
			entsql.GTE(s.C(appointment.FieldTimeSlot), in.StartTime),
			entsql.LT(s.C(appointment.FieldTimeSlot), in.EndTime),
		))
	}
	holds := func([]int) sources {
		return sources{"appointments": planner.Connection{Where: opened, Order: "TIME_SLOT"}}
	}
	return r.write(ctx, in.IdempotencyKey, holds, func(tx *orm.Tx) ([]int, error) {
		return nil, r.Gate.Open(ctx, tx, in.ProviderID, in.StartTime, in.EndTime)
	})
}

// AppointmentCancel withdraws a slot.
func (r mutationResolver) AppointmentCancel(ctx context.Context, in model.AppointmentCancelInput) (*planner.Payload, error) {
	if err := wantID("appointmentId", in.AppointmentID, "Appointment"); err != nil {
		return nil, err
	}
	return r.write(ctx, in.IdempotencyKey, oneRow("appointment"), func(tx *orm.Tx) ([]int, error) {
		return []int{in.AppointmentID}, r.Gate.CancelAppointment(ctx, tx, in.AppointmentID, in.ExpectedVersion.Value())
	})
}

// ReservationCreate holds an appointment for a client.
func (r mutationResolver) ReservationCreate(ctx context.Context, in model.ReservationCreateInput) (*planner.Payload, error) {
	if err := wantID("clientId", in.ClientID, "Client"); err != nil {
		return nil, err
	}
	if err := wantID("appointmentId", in.AppointmentID, "Appointment"); err != nil {
		return nil, err
	}
	if in.IdempotencyKey.Value() == nil { // what came of a key, only the transaction knows
		if err := r.Gate.Glance(ctx, r.DB, in.ClientID, in.AppointmentID); err != nil {
			return nil, err
		}
	}
	return r.write(ctx, in.IdempotencyKey, oneRow("reservation"), func(tx *orm.Tx) ([]int, error) {
		id, err := r.Gate.Reserve(ctx, tx, in.ClientID, in.AppointmentID)
		return []int{id}, err
	})
}

// ReservationConfirm makes a hold lasting.
func (r mutationResolver) ReservationConfirm(ctx context.Context, in model.ReservationConfirmInput) (*planner.Payload, error) {
	return r.move(ctx, in.ReservationID, in.IdempotencyKey, func(tx *orm.Tx) error {
		return r.Gate.Confirm(ctx, tx, in.ReservationID, in.ExpectedVersion.Value())
	})
}

// ReservationCancel lets go of a reservation.
func (r mutationResolver) ReservationCancel(ctx context.Context, in model.ReservationCancelInput) (*planner.Payload, error) {
	return r.move(ctx, in.ReservationID, in.IdempotencyKey, func(tx *orm.Tx) error {
		return r.Gate.Cancel(ctx, tx, in.ReservationID, in.ExpectedVersion.Value())
	})
}

// ReservationReschedule moves a reservation to another appointment.
func (r mutationResolver) ReservationReschedule(ctx context.Context, in model.ReservationRescheduleInput) (*planner.Payload, error) {
	if err := wantID("appointmentId", in.AppointmentID, "Appointment"); err != nil {
		return nil, err
	}
	return r.move(ctx, in.ReservationID, in.IdempotencyKey, func(tx *orm.Tx) error {
		return r.Gate.Reschedule(ctx, tx, in.ReservationID, in.AppointmentID, in.ExpectedVersion.Value())
	})
}

// move performs a verb on a reservation and reads what became of it.
func (r mutationResolver) move(ctx context.Context, id int, key graphql.Omittable[*string], verb func(tx *orm.Tx) error) (*planner.Payload, error) {
	if err := wantID("reservationId", id, "Reservation"); err != nil {
		return nil, err
	}
	return r.write(ctx, key, oneRow("reservation"), func(tx *orm.Tx) ([]int, error) { return []int{id}, verb(tx) })
}
