package booking_test

import (
	"reflect"
	"testing"
	"time"

	"docket/internal/booking"
)

func TestCut(t *testing.T) {
	t.Parallel()
	const (
		length = 15 * time.Minute
		day    = 24 * time.Hour
		month  = 31 * day
	)
	notBefore := func(end time.Time) facts { return facts{"startTime": noon, "endTime": end} }
	tooLong := facts{"latestEndTime": noon.Add(month), "maxDays": 31}
	offGrid := func(before, after time.Time) facts {
		return facts{"before": before, "after": after, "slotSeconds": 900}
	}
	minuteBefore, minuteAfter := noon.Add(-time.Minute), noon.Add(time.Minute)
	tests := map[string]struct {
		start, end time.Time
		slots      int
		code       booking.Code
		facts      facts
	}{
		"end before start":           {noon, noon.Add(-length), 0, booking.StartNotBeforeEnd, notBefore(noon.Add(-length))},
		"end a nanosecond before":    {noon, noon.Add(-1), 0, booking.StartNotBeforeEnd, notBefore(noon.Add(-1))},
		"end at start":               {noon, noon, 0, booking.StartNotBeforeEnd, notBefore(noon)},
		"a nanosecond":               {noon, noon.Add(1), 0, booking.NotOnGrid, offGrid(noon, noon.Add(length))},
		"a nanosecond less than one": {noon, noon.Add(length - 1), 0, booking.NotOnGrid, offGrid(noon, noon.Add(length))},
		"one":                        {noon, noon.Add(length), 1, "", nil},
		"a nanosecond more than one": {noon, noon.Add(length + 1), 0, booking.NotOnGrid, offGrid(noon.Add(length), noon.Add(2*length))},
		"one and a half":             {noon, noon.Add(length * 3 / 2), 0, booking.NotOnGrid, offGrid(noon.Add(length), noon.Add(2*length))},
		"two":                        {noon, noon.Add(2 * length), 2, "", nil},
		"a day":                      {noon, noon.Add(day), 96, "", nil},
		"31 days less one":           {noon, noon.Add(month - length), 31*96 - 1, "", nil},
		"31 days":                    {noon, noon.Add(month), 31 * 96, "", nil},
		"31 days and a nanosecond":   {noon, noon.Add(month + 1), 0, booking.RangeTooLong, tooLong},
		"31 days and a slot":         {noon, noon.Add(month + length), 0, booking.RangeTooLong, tooLong},
		"longer than a duration":     {noon, noon.AddDate(1000, 0, 0), 0, booking.RangeTooLong, tooLong},
		"any whole minute starts":    {minuteAfter, minuteAfter.Add(length), 1, "", nil},
		"start within a second":      {noon.Add(1), noon.Add(length + 1), 0, booking.NotOnGrid, offGrid(noon, minuteAfter)},
		"start just before a minute": {noon.Add(-1), noon.Add(length - 1), 0, booking.NotOnGrid, offGrid(minuteBefore, noon)},
		"start within a minute":      {noon.Add(time.Second), noon.Add(time.Second + length), 0, booking.NotOnGrid, offGrid(noon, minuteAfter)},
		// A range with several faults always gets the same code.
		"order and grid":  {noon.Add(1), noon, 0, booking.StartNotBeforeEnd, facts{"startTime": noon.Add(1), "endTime": noon}},
		"length and grid": {noon.Add(1), noon.Add(2 * month), 0, booking.RangeTooLong, facts{"latestEndTime": noon.Add(month + 1), "maxDays": 31}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slots, err := booking.Rules{SlotLength: length}.Cut(tt.start, tt.end)
			if tt.code != "" {
				refused(t, err, tt.code, tt.facts)
				return
			}
			granted(t, err)
			if len(slots) != tt.slots {
				t.Errorf("%d slots, want %d", len(slots), tt.slots)
			}
			covers(t, slots, tt.start, tt.end, length)
		})
	}
}

// covers fails the test unless the slots are of the length and cover [start,
// end) without gap or overlap, in UTC.
func covers(t *testing.T, slots []booking.Slot, start, end time.Time, length time.Duration) {
	t.Helper()
	at := start
	for i, s := range slots {
		if !s.Start.Equal(at) || s.End.Sub(s.Start) != length {
			t.Fatalf("slot %d is %v to %v, want it to start at %v and last %v", i, s.Start, s.End, at, length)
		}
		if s.Start.Location() != time.UTC || s.End.Location() != time.UTC {
			t.Fatalf("slot %d is not in UTC: %v", i, s)
		}
		at = s.End
	}
	if !at.Equal(end) {
		t.Errorf("the slots end at %v, want %v", at, end)
	}
}

func TestCutObeysTheSlotLength(t *testing.T) {
	t.Parallel()
	for length, slots := range map[time.Duration]int{
		time.Minute: 1440, 7 * time.Minute: 0, 20 * time.Minute: 72, 50 * time.Minute: 0, time.Hour: 24, 24 * time.Hour: 1,
	} {
		t.Run(length.String(), func(t *testing.T) {
			t.Parallel()
			got, err := booking.Rules{SlotLength: length}.Cut(noon, noon.AddDate(0, 0, 1))
			if slots > 0 {
				granted(t, err)
				covers(t, got, noon, noon.AddDate(0, 0, 1), length)
				return
			}
			fits := noon.Add((24 * time.Hour).Truncate(length))
			refused(t, err, booking.NotOnGrid, facts{"before": fits, "after": fits.Add(length), "slotSeconds": int(length.Seconds())})
		})
	}
}

// A night, midnight to six by the clock on the wall, has more or fewer slots
// where the clocks change in it, and each of them is a quarter of an hour.
func TestCutOnDaysTheClocksChange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		zone, date string
		slots      int
	}{
		{"Europe/Berlin", "2026-03-28", 24},
		{"Europe/Berlin", "2026-03-29", 20}, // 02:00 is 03:00
		{"Europe/Berlin", "2026-10-25", 28}, // 03:00 is 02:00 once more
		{"America/New_York", "2026-03-08", 20},
		{"America/New_York", "2026-11-01", 28},
		{"Australia/Lord_Howe", "2026-10-03", 24},
		{"Australia/Lord_Howe", "2026-10-04", 22}, // 02:00 is 02:30
		{"Australia/Lord_Howe", "2026-04-05", 26}, // 02:00 is 01:30 once more
		{"Asia/Kathmandu", "2026-03-29", 24},      // always 5:45 ahead
	}
	for _, tt := range tests {
		t.Run(tt.zone+" "+tt.date, func(t *testing.T) {
			t.Parallel()
			midnight, err := time.ParseInLocation(time.DateOnly, tt.date, zone(t, tt.zone))
			if err != nil {
				t.Fatal(err)
			}
			y, m, d := midnight.Date()
			six := time.Date(y, m, d, 6, 0, 0, 0, midnight.Location())
			slots, err := booking.DefaultRules().Cut(midnight, six)
			granted(t, err)
			if len(slots) != tt.slots {
				t.Errorf("%d slots, want %d", len(slots), tt.slots)
			}
			covers(t, slots, midnight, six, 15*time.Minute)
		})
	}
}

// Half an hour is missing from that night, so whole hours do not fill it.
func TestCutRefusesANightThatHoursDoNotFill(t *testing.T) {
	t.Parallel()
	howe := zone(t, "Australia/Lord_Howe")
	midnight := time.Date(2026, time.October, 4, 0, 0, 0, 0, howe)
	six := time.Date(2026, time.October, 4, 6, 0, 0, 0, howe)
	_, err := booking.Rules{SlotLength: time.Hour}.Cut(midnight, six)
	refused(t, err, booking.NotOnGrid, facts{
		"before": six.Add(-30 * time.Minute).UTC(), "after": six.Add(30 * time.Minute).UTC(), "slotSeconds": 3600,
	})
}

func TestSlotsOverlapWhereTheyShareAnInstant(t *testing.T) {
	t.Parallel()
	a := slot(0)
	ends := func(from, to time.Duration) booking.Slot {
		return booking.Slot{Start: noon.Add(from), End: noon.Add(to)}
	}
	const length = 15 * time.Minute
	tests := map[string]struct {
		other booking.Slot
		want  bool
	}{
		"the same":                  {a, true},
		"ends when it starts":       {ends(-length, 0), false},
		"ends a nanosecond later":   {ends(-length, 1), true},
		"starts when it ends":       {ends(length, 2*length), false},
		"starts a nanosecond early": {ends(length-1, 2*length), true},
		"within":                    {ends(1, length-1), true},
		"around":                    {ends(-1, length+1), true},
		"long before":               {ends(-3*length, -2*length), false},
		"long after":                {ends(2*length, 3*length), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a.Overlaps(tt.other) != tt.want || tt.other.Overlaps(a) != tt.want {
				t.Errorf("got %v and, the other way round, %v, want %v", a.Overlaps(tt.other), tt.other.Overlaps(a), tt.want)
			}
		})
	}
}

func TestSlotsAreTheSameInAnyZone(t *testing.T) {
	t.Parallel()
	a, berlin := slot(0), zone(t, "Europe/Berlin")
	if b := (booking.Slot{Start: a.Start.In(berlin), End: a.End.In(berlin)}); !a.Same(b) {
		t.Errorf("%v is not the same as %v", a, b)
	}
	for _, b := range []booking.Slot{{Start: a.Start, End: a.End.Add(1)}, {Start: a.Start.Add(1), End: a.End}, slot(15)} {
		if a.Same(b) {
			t.Errorf("%v is the same as %v", a, b)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	// slots and open name quarters of an hour by the minute they start at.
	slots := func(minutes ...int) (out []booking.Slot) {
		for _, m := range minutes {
			out = append(out, slot(m))
		}
		return out
	}
	open := func(minutes ...int) (out []booking.Opened) {
		for _, m := range minutes {
			out = append(out, booking.Opened{Slot: slot(m), Appointment: booking.ID(1000 + m)})
		}
		return out
	}
	lasting := func(minutes int, length time.Duration) []booking.Opened {
		return []booking.Opened{{Slot: booking.Slot{Start: slot(minutes).Start, End: slot(minutes).Start.Add(length)}, Appointment: 7}}
	}
	busy := func(minutes int) facts {
		return facts{"conflictingAppointmentId": booking.ID(1000 + minutes), "timeSlot": slot(minutes).Start, "endsAt": slot(minutes).End}
	}
	tests := map[string]struct {
		want    []booking.Slot
		open    []booking.Opened
		missing []booking.Slot
		refused facts
	}{
		"nothing is open":             {slots(0, 15, 30), nil, slots(0, 15, 30), nil},
		"an exact repeat":             {slots(0, 15, 30), open(0, 15, 30), nil, nil},
		"a repeat in another order":   {slots(0, 15, 30), open(30, 0, 15), nil, nil},
		"open at the start":           {slots(0, 15, 30), open(0), slots(15, 30), nil},
		"open at the end":             {slots(0, 15, 30), open(30), slots(0, 15), nil},
		"open on both sides":          {slots(0, 15, 30, 45), open(0, 45), slots(15, 30), nil},
		"open in the middle":          {slots(0, 15, 30), open(15), slots(0, 30), nil},
		"open beyond both ends":       {slots(15, 30), open(0, 15, 30, 45), nil, nil},
		"neighbours are open":         {slots(15), open(0, 30), slots(15), nil},
		"nothing is wanted":           {nil, open(0), nil, nil},
		"five minutes off":            {slots(0, 15), open(5), nil, busy(5)},
		"sticking out at the start":   {slots(0, 15), open(-5), nil, busy(-5)},
		"sticking out at the end":     {slots(0, 15), open(25), nil, busy(25)},
		"one fits and one does not":   {slots(0, 15, 30), open(0, 20), nil, busy(20)},
		"the first that does not fit": {slots(0, 15, 30), open(5, 20), nil, busy(5)},
		"a longer one, from its start": {
			slots(0, 15), lasting(0, 30*time.Minute), nil,
			facts{"conflictingAppointmentId": booking.ID(7), "timeSlot": slot(0).Start, "endsAt": slot(15).End},
		},
		"a longer one, to its end": {
			slots(0, 15), lasting(-15, 30*time.Minute), nil,
			facts{"conflictingAppointmentId": booking.ID(7), "timeSlot": slot(-15).Start, "endsAt": slot(0).Start.Add(15 * time.Minute)},
		},
		"a shorter one": {
			slots(0, 15), lasting(0, 5*time.Minute), nil,
			facts{"conflictingAppointmentId": booking.ID(7), "timeSlot": slot(0).Start, "endsAt": slot(0).Start.Add(5 * time.Minute)},
		},
		"a nanosecond longer": {
			slots(0), lasting(-15, 15*time.Minute+1), nil,
			facts{"conflictingAppointmentId": booking.ID(7), "timeSlot": slot(-15).Start, "endsAt": noon.Add(1)},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := booking.Missing(tt.want, tt.open)
			if tt.refused != nil {
				refused(t, err, booking.ProviderBusy, tt.refused)
				return
			}
			granted(t, err)
			if len(got)+len(tt.missing) > 0 && !reflect.DeepEqual(got, tt.missing) {
				t.Errorf("got %v, want %v", got, tt.missing)
			}
		})
	}
}

// What the database gives back may be in the zone of the machine.
func TestMissingComparesInstants(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	open := booking.Opened{Slot: booking.Slot{Start: slot(0).Start.In(berlin), End: slot(0).End.In(berlin)}}
	got, err := booking.Missing([]booking.Slot{slot(0), slot(15)}, []booking.Opened{open})
	granted(t, err)
	if want := []booking.Slot{slot(15)}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMissingLeavesItsArgumentsAlone(t *testing.T) {
	t.Parallel()
	want := []booking.Slot{slot(0), slot(15), slot(30)}
	_, err := booking.Missing(want, []booking.Opened{{Slot: slot(0)}})
	granted(t, err)
	if !reflect.DeepEqual(want, []booking.Slot{slot(0), slot(15), slot(30)}) {
		t.Errorf("the slots that were wanted are %v now", want)
	}
}
