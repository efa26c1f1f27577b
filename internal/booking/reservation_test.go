package booking_test

import (
	"reflect"
	"testing"
	"time"

	"docket/internal/booking"
)

const (
	ada, ben booking.ID = 1, 2 // clients
	theirs   booking.ID = 10   // the appointment of these tests
	other    booking.ID = 11   // another one
)

// ticks are the instants around one, and what is one of them is called.
var ticks = map[string]time.Duration{"a nanosecond before": -1, "at": 0, "a nanosecond after": 1}

// rules are the default ones.
var rules = booking.DefaultRules()

// offer is the appointment of these tests: a day and an hour after noon.
func offer() booking.Appointment { return booking.Appointment{ID: theirs, Slot: slot(25 * 60)} }

// held is a hold of a client on an appointment, made at noon.
func held(client, appointment booking.ID, s booking.Slot) booking.Reservation {
	return booking.Reservation{
		ID: 100 + client, Client: client, Appointment: appointment, Slot: s,
		State: booking.Held, Expiry: noon.Add(rules.HoldLength),
	}
}

func in(s booking.State, r booking.Reservation) booking.Reservation {
	r.State = s
	return r
}

func TestStatesAreAllThatEntMayStore(t *testing.T) {
	t.Parallel()
	want := []string{"HELD", "CONFIRMED", "CANCELLED", "EXPIRED"}
	if got := booking.Held.Values(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Only a hold changes by the passing of time: it ends at its expiry, not after.
func TestAt(t *testing.T) {
	t.Parallel()
	tests := map[booking.State]struct {
		before, then booking.State // its expiry, and from then on
		live         [2]bool
	}{
		booking.Held:      {booking.Held, booking.Expired, [2]bool{true, false}},
		booking.Confirmed: {booking.Confirmed, booking.Confirmed, [2]bool{true, true}},
		booking.Cancelled: {booking.Cancelled, booking.Cancelled, [2]bool{false, false}},
		booking.Expired:   {booking.Expired, booking.Expired, [2]bool{false, false}},
	}
	for stored, tt := range tests {
		t.Run(string(stored), func(t *testing.T) {
			t.Parallel()
			r := in(stored, held(ada, theirs, slot(0)))
			for name, tick := range ticks {
				want, live := tt.then, tt.live[1]
				if tick < 0 {
					want, live = tt.before, tt.live[0]
				}
				now := r.Expiry.Add(tick)
				if got := r.At(now); got != want {
					t.Errorf("%s its expiry it is %s, want %s", name, got, want)
				}
				if got := r.Live(now); got != live {
					t.Errorf("%s its expiry it is live: %v, want %v", name, got, live)
				}
			}
		})
	}
}

func TestReserve(t *testing.T) {
	t.Parallel()
	a := offer()
	tooSoon := facts{"earliestStart": noon.Add(24 * time.Hour), "timeSlot": noon.Add(24*time.Hour - 1)}
	soon := booking.Appointment{ID: theirs, Slot: booking.Slot{Start: noon.Add(24*time.Hour - 1), End: noon.Add(24*time.Hour + 15*time.Minute - 1)}}
	withdrawn := booking.Appointment{ID: theirs, Slot: a.Slot, Cancelled: true}
	conflict := func(r booking.Reservation) facts {
		return facts{"conflictingReservationId": r.ID, "timeSlot": r.Slot.Start, "endsAt": r.Slot.End}
	}
	isHeld := facts{"appointmentId": theirs, "retryAfter": noon.Add(30 * time.Minute)}
	isTaken := facts{"appointmentId": theirs}
	elsewhere := func(from, to time.Duration) booking.Reservation {
		return held(ada, other, booking.Slot{Start: a.Slot.Start.Add(from), End: a.Slot.Start.Add(to)})
	}
	const length = 15 * time.Minute
	tests := map[string]struct {
		a      booking.Appointment
		rivals []booking.Reservation
		code   booking.Code
		facts  facts
	}{
		"nobody has it":          {a, nil, "", nil},
		"it was cancelled":       {withdrawn, nil, booking.AppointmentCancelled, facts{"appointmentId": theirs}},
		"it starts too soon":     {soon, nil, booking.TooSoon, tooSoon},
		"held by another":        {a, []booking.Reservation{held(ben, theirs, a.Slot)}, booking.SlotHeld, isHeld},
		"confirmed by another":   {a, []booking.Reservation{in(booking.Confirmed, held(ben, theirs, a.Slot))}, booking.SlotTaken, isTaken},
		"cancelled by another":   {a, []booking.Reservation{in(booking.Cancelled, held(ben, theirs, a.Slot))}, "", nil},
		"expired by another":     {a, []booking.Reservation{in(booking.Expired, held(ben, theirs, a.Slot))}, "", nil},
		"cancelled by the same":  {a, []booking.Reservation{in(booking.Cancelled, held(ada, theirs, a.Slot))}, "", nil},
		"another's, elsewhere":   {a, []booking.Reservation{held(ben, other, a.Slot)}, "", nil},
		"at the same time":       {a, []booking.Reservation{elsewhere(0, length)}, booking.ClientBusy, conflict(elsewhere(0, length))},
		"confirmed, then":        {a, []booking.Reservation{in(booking.Confirmed, elsewhere(0, length))}, booking.ClientBusy, conflict(elsewhere(0, length))},
		"cancelled, then":        {a, []booking.Reservation{in(booking.Cancelled, elsewhere(0, length))}, "", nil},
		"just before":            {a, []booking.Reservation{elsewhere(-length, 0)}, "", nil},
		"a nanosecond into it":   {a, []booking.Reservation{elsewhere(-length, 1)}, booking.ClientBusy, conflict(elsewhere(-length, 1))},
		"just after":             {a, []booking.Reservation{elsewhere(length, 2*length)}, "", nil},
		"from a nanosecond less": {a, []booking.Reservation{elsewhere(length-1, 2*length)}, booking.ClientBusy, conflict(elsewhere(length-1, 2*length))},

		// One state of affairs always gives one code: the order of the checks.
		"cancelled and too soon": {booking.Appointment{ID: theirs, Slot: soon.Slot, Cancelled: true}, nil, booking.AppointmentCancelled, facts{"appointmentId": theirs}},
		"cancelled and held":     {withdrawn, []booking.Reservation{held(ben, theirs, a.Slot)}, booking.AppointmentCancelled, facts{"appointmentId": theirs}},
		"too soon and held":      {soon, []booking.Reservation{held(ben, theirs, soon.Slot)}, booking.TooSoon, tooSoon},
		"held and busy":          {a, []booking.Reservation{elsewhere(0, length), held(ben, theirs, a.Slot)}, booking.SlotHeld, isHeld},
		"taken and busy":         {a, []booking.Reservation{elsewhere(0, length), in(booking.Confirmed, held(ben, theirs, a.Slot))}, booking.SlotTaken, isTaken},
		"the dead do not count": {a, []booking.Reservation{
			in(booking.Cancelled, held(ben, theirs, a.Slot)), in(booking.Expired, held(ben, theirs, a.Slot)), in(booking.Confirmed, held(ben, theirs, a.Slot)),
		}, booking.SlotTaken, isTaken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine, err := rules.Reserve(noon, ada, tt.a, tt.rivals)
			if tt.code != "" {
				refused(t, err, tt.code, tt.facts)
			} else {
				granted(t, err)
			}
			if mine != nil {
				t.Errorf("got the reservation %v, although the client has none", *mine)
			}
		})
	}
}

// A slot may be reserved until exactly the advance notice before its start.
func TestReserveUntilTheAdvanceNotice(t *testing.T) {
	t.Parallel()
	last := offer().Slot.Start.Add(-rules.AdvanceNotice)
	for name, tick := range ticks {
		err := reserve(rules, last.Add(tick), ada, offer())
		if tick <= 0 {
			if err != nil {
				t.Errorf("%s the last instant: %v", name, err)
			}
			continue
		}
		refused(t, err, booking.TooSoon, facts{"earliestStart": last.Add(tick + 24*time.Hour), "timeSlot": offer().Slot.Start})
	}
}

func TestReserveWithoutNoticeUntilTheStart(t *testing.T) {
	t.Parallel()
	prompt := booking.Rules{SlotLength: 15 * time.Minute, HoldLength: time.Minute}
	granted(t, reserve(prompt, offer().Slot.Start, ada, offer()))
	refused(t, reserve(prompt, offer().Slot.Start.Add(1), ada, offer()), booking.TooSoon,
		facts{"earliestStart": offer().Slot.Start.Add(1), "timeSlot": offer().Slot.Start})
}

// A hold keeps its slot, and its client busy, until just before its expiry.
func TestReserveWhenAHoldEnds(t *testing.T) {
	t.Parallel()
	theHold, elsewhere := held(ben, theirs, offer().Slot), held(ada, other, offer().Slot)
	for name, tick := range ticks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := theHold.Expiry.Add(tick)
			slotErr := reserve(rules, now, ada, offer(), theHold)
			clientErr := reserve(rules, now, ada, offer(), elsewhere)
			if tick >= 0 {
				granted(t, slotErr)
				granted(t, clientErr)
				return
			}
			refused(t, slotErr, booking.SlotHeld, facts{"appointmentId": theirs, "retryAfter": theHold.Expiry})
			refused(t, clientErr, booking.ClientBusy,
				facts{"conflictingReservationId": elsewhere.ID, "timeSlot": offer().Slot.Start, "endsAt": offer().Slot.End})
		})
	}
}

func TestReserveAgain(t *testing.T) {
	t.Parallel()
	mine := held(ada, theirs, offer().Slot)
	old := in(booking.Cancelled, mine)
	old.ID = 50
	late := noon.Add(20 * time.Hour)
	tests := map[string]struct {
		now    time.Time
		a      booking.Appointment
		rivals []booking.Reservation
		again  bool // gives back what the client has
	}{
		"held":                      {noon, offer(), []booking.Reservation{old, mine}, true},
		"confirmed":                 {noon, offer(), []booking.Reservation{old, in(booking.Confirmed, mine)}, true},
		"held, just before its end": {mine.Expiry.Add(-1), offer(), []booking.Reservation{mine}, true},
		"held, at its end":          {mine.Expiry, offer(), []booking.Reservation{mine}, false},
		"confirmed, though late":    {late, offer(), []booking.Reservation{in(booking.Confirmed, mine)}, true},
		"cancelled":                 {noon, offer(), []booking.Reservation{old}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := rules.Reserve(tt.now, ada, tt.a, tt.rivals)
			granted(t, err)
			if tt.again != (got != nil) {
				t.Fatalf("got %v, want a reservation back: %v", got, tt.again)
			}
			if got != nil && got.ID != mine.ID {
				t.Errorf("got %d back, want %d", got.ID, mine.ID)
			}
		})
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	hold := held(ada, theirs, offer().Slot)
	cancelled := facts{"reservationId": hold.ID}
	expired := facts{"reservationId": hold.ID, "expiry": hold.Expiry}
	tests := map[string]struct {
		stored booking.State
		tick   time.Duration // after its expiry
		change bool
		code   booking.Code
		facts  facts
	}{
		"a hold that ends next":      {booking.Held, -1, true, "", nil},
		"a hold that ends now":       {booking.Held, 0, false, booking.HoldExpired, expired},
		"a hold that has ended":      {booking.Held, 1, false, booking.HoldExpired, expired},
		"a hold stored as ended":     {booking.Expired, -1, false, booking.HoldExpired, expired},
		"again":                      {booking.Confirmed, -1, false, "", nil},
		"again, past the expiry":     {booking.Confirmed, 1, false, "", nil},
		"cancelled":                  {booking.Cancelled, -1, false, booking.ReservationCancelled, cancelled},
		"cancelled, past its expiry": {booking.Cancelled, 1, false, booking.ReservationCancelled, cancelled},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change, err := booking.Confirm(hold.Expiry.Add(tt.tick), in(tt.stored, hold), offer())
			if tt.code != "" {
				refused(t, err, tt.code, tt.facts)
			} else {
				granted(t, err)
			}
			if change != tt.change {
				t.Errorf("it changes: %v, want %v", change, tt.change)
			}
		})
	}
}

// A hold is a promise: it may be confirmed within the advance notice.
func TestConfirmWithinTheNotice(t *testing.T) {
	t.Parallel()
	hold := held(ada, theirs, booking.Slot{Start: noon.Add(time.Minute), End: noon.Add(16 * time.Minute)})
	change, err := booking.Confirm(noon, hold, offer())
	granted(t, err)
	if !change {
		t.Error("confirming a hold changes nothing")
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	hold := held(ada, theirs, offer().Slot)
	tests := map[string]struct {
		stored booking.State
		tick   time.Duration // after its expiry
		change bool
	}{
		"a hold that ends next":    {booking.Held, -1, true},
		"a hold that ends now":     {booking.Held, 0, false},
		"a hold that has ended":    {booking.Held, 1, false},
		"stored as ended":          {booking.Expired, -1, false},
		"confirmed":                {booking.Confirmed, -1, true},
		"confirmed, past its hold": {booking.Confirmed, 1, true},
		"again":                    {booking.Cancelled, -1, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := booking.Cancel(hold.Expiry.Add(tt.tick), in(tt.stored, hold)); got != tt.change {
				t.Errorf("it changes: %v, want %v", got, tt.change)
			}
		})
	}
}

func TestReschedule(t *testing.T) {
	t.Parallel()
	moving := held(ada, other, slot(30*60))
	to := offer()
	cancelled := booking.Appointment{ID: theirs, Slot: to.Slot, Cancelled: true}
	soon := booking.Appointment{ID: theirs, Slot: slot(60)}
	second, third := held(ada, theirs, to.Slot), held(ada, 12, to.Slot)
	second.ID, third.ID = 200, 300
	overlapping := booking.Appointment{ID: theirs, Slot: booking.Slot{Start: moving.Slot.Start.Add(5 * time.Minute), End: moving.Slot.End.Add(5 * time.Minute)}}
	tests := map[string]struct {
		moving booking.Reservation
		to     booking.Appointment
		rivals []booking.Reservation
		change bool
		code   booking.Code
		facts  facts
	}{
		"a hold":                     {moving, to, nil, true, "", nil},
		"a confirmed one":            {in(booking.Confirmed, moving), to, nil, true, "", nil},
		"to where it is":             {moving, booking.Appointment{ID: other, Slot: moving.Slot}, []booking.Reservation{moving}, false, "", nil},
		"to where it is, too late":   {in(booking.Confirmed, moving), booking.Appointment{ID: other, Slot: slot(5)}, nil, false, "", nil},
		"across its own old time":    {moving, overlapping, []booking.Reservation{moving}, true, "", nil},
		"cancelled":                  {in(booking.Cancelled, moving), to, nil, false, booking.ReservationCancelled, facts{"reservationId": moving.ID}},
		"expired":                    {in(booking.Expired, moving), to, nil, false, booking.HoldExpired, facts{"reservationId": moving.ID, "expiry": moving.Expiry}},
		"to a cancelled appointment": {moving, cancelled, nil, true, booking.AppointmentCancelled, facts{"appointmentId": theirs}},
		"to one that is too soon":    {moving, soon, nil, true, booking.TooSoon, facts{"earliestStart": noon.Add(24 * time.Hour), "timeSlot": soon.Slot.Start}},
		"to one that is held": {
			moving, to,
			[]booking.Reservation{moving, held(ben, theirs, to.Slot)},
			true,
			booking.SlotHeld,
			facts{"appointmentId": theirs, "retryAfter": noon.Add(30 * time.Minute)},
		},
		"to one that is taken": {
			moving, to,
			[]booking.Reservation{in(booking.Confirmed, held(ben, theirs, to.Slot))},
			true,
			booking.SlotTaken,
			facts{"appointmentId": theirs},
		},
		"to one the client has by another reservation": {
			moving, to,
			[]booking.Reservation{second, moving},
			true,
			booking.SlotHeld,
			facts{"appointmentId": theirs, "retryAfter": noon.Add(30 * time.Minute)},
		},
		"while the client is elsewhere": {
			moving, to,
			[]booking.Reservation{third},
			true,
			booking.ClientBusy,
			facts{"conflictingReservationId": booking.ID(300), "timeSlot": to.Slot.Start, "endsAt": to.Slot.End},
		},
		// What is dead stays so, wherever it would go.
		"cancelled, to where it is":     {in(booking.Cancelled, moving), booking.Appointment{ID: other}, nil, false, booking.ReservationCancelled, facts{"reservationId": moving.ID}},
		"cancelled, to a cancelled one": {in(booking.Cancelled, moving), cancelled, nil, false, booking.ReservationCancelled, facts{"reservationId": moving.ID}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change, err := rules.Reschedule(noon, tt.moving, tt.to, tt.rivals)
			if tt.code != "" {
				refused(t, err, tt.code, tt.facts)
				return
			}
			granted(t, err)
			if change != tt.change {
				t.Errorf("it moves: %v, want %v", change, tt.change)
			}
		})
	}
}

// Rescheduling obeys the notice for the slot it goes to, to the nanosecond.
func TestRescheduleUntilTheAdvanceNotice(t *testing.T) {
	t.Parallel()
	moving := in(booking.Confirmed, held(ada, other, slot(0)))
	last := offer().Slot.Start.Add(-rules.AdvanceNotice)
	for name, tick := range ticks {
		_, err := rules.Reschedule(last.Add(tick), moving, offer(), nil)
		if tick <= 0 {
			if err != nil {
				t.Errorf("%s the last instant: %v", name, err)
			}
			continue
		}
		refused(t, err, booking.TooSoon, facts{"earliestStart": last.Add(tick + 24*time.Hour), "timeSlot": offer().Slot.Start})
	}
}

func TestRescheduleUntilTheHoldEnds(t *testing.T) {
	t.Parallel()
	moving := held(ada, other, slot(30*60))
	for name, tick := range ticks {
		_, err := rules.Reschedule(moving.Expiry.Add(tick), moving, offer(), nil)
		if tick < 0 {
			if err != nil {
				t.Errorf("%s its expiry: %v", name, err)
			}
			continue
		}
		refused(t, err, booking.HoldExpired, facts{"reservationId": moving.ID, "expiry": moving.Expiry})
	}
}

// The gate hands over what it read; deciding must not disturb it.
func TestRescheduleLeavesItsRivalsAlone(t *testing.T) {
	t.Parallel()
	moving := held(ada, other, slot(30*60))
	rivals := []booking.Reservation{moving, in(booking.Cancelled, held(ben, theirs, offer().Slot))}
	_, err := rules.Reschedule(noon, moving, offer(), rivals)
	granted(t, err)
	if rivals[0].ID != moving.ID || len(rivals) != 2 {
		t.Errorf("the rivals are %v now", rivals)
	}
}
