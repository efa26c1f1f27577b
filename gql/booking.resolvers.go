package gql

import (
	"context"

	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/gql/model"
	"docket/internal/booking"
)

// State is where the reservation stands at the moment of the request.
func (reservationResolver) State(ctx context.Context, r *orm.Reservation) (model.ReservationState, error) {
	m, err := booking.FromContext(ctx)
	state := booking.Reservation{State: booking.State(r.State), Expiry: r.Expiry}.At(m.Now)
	return model.ReservationState(state), err
}

// Expired reports whether the hold ended unconfirmed.
func (r reservationResolver) Expired(ctx context.Context, obj *orm.Reservation) (bool, error) {
	state, err := r.State(ctx, obj)
	return state == model.ReservationStateExpired, err
}

// Confirmed reports whether the reservation is confirmed.
func (r reservationResolver) Confirmed(ctx context.Context, obj *orm.Reservation) (bool, error) {
	state, err := r.State(ctx, obj)
	return state == model.ReservationStateConfirmed, err
}

// AppointmentBulkCreate opens a range of time for booking.
func (r mutationResolver) AppointmentBulkCreate(ctx context.Context, in model.AppointmentBulkCreateInput) (*model.AppointmentBulkCreatePayload, error) {
	if err := wantID("providerId", in.ProviderID, "Provider"); err != nil {
		return nil, err
	}
	if err := r.Gate.Open(ctx, in.ProviderID, in.StartTime, in.EndTime); err != nil {
		return nil, err
	}
	return &model.AppointmentBulkCreatePayload{
		ProviderID: in.ProviderID, StartTime: in.StartTime, EndTime: in.EndTime,
	}, nil
}

// Appointments are the open slots of the range that was opened.
func (r openedResolver) Appointments(ctx context.Context, opened *model.AppointmentBulkCreatePayload, after *orm.Cursor, first *int, before *orm.Cursor, last *int) (*orm.AppointmentConnection, error) {
	return r.DB.Appointment.Query().Where(
		appointment.ProviderID(opened.ProviderID), appointment.StatusEQ(appointment.StatusOPEN),
		appointment.TimeSlotGTE(opened.StartTime), appointment.TimeSlotLT(opened.EndTime),
	).Paginate(ctx, after, first, before, last,
		orm.WithAppointmentOrder(&orm.AppointmentOrder{Direction: "ASC", Field: orm.AppointmentOrderFieldTimeSlot}))
}

// AppointmentCancel withdraws a slot.
func (r mutationResolver) AppointmentCancel(ctx context.Context, in model.AppointmentCancelInput) (*model.AppointmentCancelPayload, error) {
	if err := wantID("appointmentId", in.AppointmentID, "Appointment"); err != nil {
		return nil, err
	}
	if err := r.Gate.CancelAppointment(ctx, in.AppointmentID); err != nil {
		return nil, err
	}
	a, err := r.fetchAppointment(payloadField(ctx, "appointment"), in.AppointmentID)
	return &model.AppointmentCancelPayload{Appointment: a}, err
}

// ReservationCreate holds an appointment for a client.
func (r mutationResolver) ReservationCreate(ctx context.Context, in model.ReservationCreateInput) (*model.ReservationCreatePayload, error) {
	if err := wantID("clientId", in.ClientID, "Client"); err != nil {
		return nil, err
	}
	if err := wantID("appointmentId", in.AppointmentID, "Appointment"); err != nil {
		return nil, err
	}
	id, err := r.Gate.Reserve(ctx, in.ClientID, in.AppointmentID)
	if err != nil {
		return nil, err
	}
	held, err := r.fetchReservation(payloadField(ctx, "reservation"), id)
	return &model.ReservationCreatePayload{Reservation: held}, err
}

// ReservationConfirm makes a hold lasting.
func (r mutationResolver) ReservationConfirm(ctx context.Context, in model.ReservationConfirmInput) (*model.ReservationConfirmPayload, error) {
	moved, err := r.moved(ctx, in.ReservationID, func() error { return r.Gate.Confirm(ctx, in.ReservationID) })
	return &model.ReservationConfirmPayload{Reservation: moved}, err
}

// ReservationCancel lets go of a reservation.
func (r mutationResolver) ReservationCancel(ctx context.Context, in model.ReservationCancelInput) (*model.ReservationCancelPayload, error) {
	moved, err := r.moved(ctx, in.ReservationID, func() error { return r.Gate.Cancel(ctx, in.ReservationID) })
	return &model.ReservationCancelPayload{Reservation: moved}, err
}

// ReservationReschedule moves a reservation to another appointment.
func (r mutationResolver) ReservationReschedule(ctx context.Context, in model.ReservationRescheduleInput) (*model.ReservationReschedulePayload, error) {
	if err := wantID("appointmentId", in.AppointmentID, "Appointment"); err != nil {
		return nil, err
	}
	moved, err := r.moved(ctx, in.ReservationID, func() error {
		return r.Gate.Reschedule(ctx, in.ReservationID, in.AppointmentID)
	})
	return &model.ReservationReschedulePayload{Reservation: moved}, err
}

// moved performs a verb on a reservation and reads what became of it.
func (r mutationResolver) moved(ctx context.Context, id int, verb func() error) (*orm.Reservation, error) {
	if err := wantID("reservationId", id, "Reservation"); err != nil {
		return nil, err
	}
	if err := verb(); err != nil {
		return nil, err
	}
	return r.fetchReservation(payloadField(ctx, "reservation"), id)
}
