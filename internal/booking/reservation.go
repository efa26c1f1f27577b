package booking

import "time"

// State is where a reservation stands.
type State string

// The states of a reservation. Only HELD can change by the passing of time:
// it is EXPIRED as soon as its hold has ended, stored so or not.
const (
	Held      State = "HELD"
	Confirmed State = "CONFIRMED"
	Cancelled State = "CANCELLED"
	Expired   State = "EXPIRED"
)

// Values lists the states; with it State is an enum to ent.
func (State) Values() []string {
	return []string{string(Held), string(Confirmed), string(Cancelled), string(Expired)}
}

// Reservation is what the rules need to know of a reservation.
type Reservation struct {
	ID          ID
	Client      ID
	Appointment ID
	Slot        Slot
	State       State     // as stored
	Expiry      time.Time // the end of its hold
}

// At is the state as anyone may see it at now.
func (r Reservation) At(now time.Time) State {
	if r.State == Held && !now.Before(r.Expiry) {
		return Expired
	}
	return r.State
}

// Live reports whether the reservation keeps its slot from others at now.
func (r Reservation) Live(now time.Time) bool {
	s := r.At(now)
	return s == Held || s == Confirmed
}

// Appointment is what the rules need to know of an appointment.
type Appointment struct {
	ID        ID
	Slot      Slot
	Cancelled bool
}

// Reserve decides whether client may take the appointment at now. rivals are
// the reservations of the appointment and those of the client that overlap it;
// only the live ones count. A client that has the appointment already gets
// that reservation back: reserving again changes nothing. Nobody has one that was
// withdrawn, whatever another server's clock has left there.
func (r Rules) Reserve(now time.Time, client ID, a Appointment, rivals []Reservation) (*Reservation, error) {
	for i, o := range rivals {
		if o.Client == client && o.Appointment == a.ID && o.Live(now) && !a.Cancelled {
			return &rivals[i], nil
		}
	}
	return nil, r.free(now, client, a, rivals)
}

// Confirm decides whether the reservation of the appointment may be confirmed at
// now; change is false where it is confirmed already. Withdrawing an appointment
// cancels what is live on it; a hold that had ended by the clock of the server
// that did so is still to be cancelled, should it be live by this one's.
func Confirm(now time.Time, r Reservation, a Appointment) (change bool, err error) {
	if a.Cancelled && r.At(now) == Held {
		r.State = Cancelled
	}
	if err := alive(now, r); err != nil {
		return false, err
	}
	return r.State == Held, nil
}

// Cancel reports whether cancelling the reservation at now changes it: what
// is cancelled or has expired has let go of its slot already.
func Cancel(now time.Time, r Reservation) (change bool) { return r.Live(now) }

// Reschedule decides whether the reservation may move to the appointment to at
// now; change is false where it is there already. It keeps its state and its
// expiry, and obeys what a new reservation would.
func (r Rules) Reschedule(now time.Time, moving Reservation, to Appointment, rivals []Reservation) (change bool, err error) {
	if err := alive(now, moving); err != nil {
		return false, err
	}
	if moving.Appointment == to.ID {
		return false, nil
	}
	others := rivals[:0:0]
	for _, o := range rivals {
		if o.ID != moving.ID {
			others = append(others, o)
		}
	}
	return true, r.free(now, moving.Client, to, others)
}

// alive refuses what was let go: a cancelled reservation or an ended hold.
func alive(now time.Time, r Reservation) error {
	switch r.At(now) {
	case Cancelled:
		return refuse(ReservationCancelled, "The reservation was cancelled; make a new one.", "reservationId", r.ID)
	case Expired:
		return refuse(HoldExpired, "The hold has ended; make a new reservation.", "reservationId", r.ID, "expiry", r.Expiry)
	}
	return nil
}

// free refuses an appointment that cannot be taken at now. The order of the
// checks is fixed, so that one state of affairs always gives one code.
func (r Rules) free(now time.Time, client ID, a Appointment, rivals []Reservation) error {
	switch {
	case a.Cancelled:
		return refuse(AppointmentCancelled, "The appointment was cancelled; choose another.", "appointmentId", a.ID)
	case a.Slot.Start.Before(r.EarliestStart(now)):
		return refuse(TooSoon, "The appointment starts too soon to be reserved.",
			"earliestStart", r.EarliestStart(now), "timeSlot", a.Slot.Start)
	}
	for _, o := range rivals {
		if o.Appointment != a.ID || !o.Live(now) {
			continue
		}
		if o.State == Held {
			return refuse(SlotHeld, "The appointment is held for someone else; try again when the hold has ended.",
				"appointmentId", a.ID, "retryAfter", o.Expiry)
		}
		return refuse(SlotTaken, "The appointment is taken; choose another.", "appointmentId", a.ID)
	}
	for _, o := range rivals {
		if o.Client == client && o.Live(now) && o.Slot.Overlaps(a.Slot) {
			return refuse(ClientBusy, "The client has another reservation at that time.",
				"conflictingReservationId", o.ID, "timeSlot", o.Slot.Start, "endsAt", o.Slot.End)
		}
	}
	return nil
}
