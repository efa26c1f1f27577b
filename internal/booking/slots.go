package booking

import "time"

// Slot is one bookable interval [Start, End).
type Slot struct{ Start, End time.Time }

// Overlaps reports whether the two slots share an instant.
func (s Slot) Overlaps(o Slot) bool { return s.Start.Before(o.End) && o.Start.Before(s.End) }

// Same reports whether both slots cover the same interval.
func (s Slot) Same(o Slot) bool { return s.Start.Equal(o.Start) && s.End.Equal(o.End) }

// Cut divides [start, end) into slots. The grid starts at start, which is a
// whole minute; the range must be a multiple of the slot length and at most
// [MaxRange] long. Slots are cut by instants, so a day on which the clocks
// change simply has more or fewer of them.
func (r Rules) Cut(start, end time.Time) ([]Slot, error) {
	start, end = start.UTC(), end.UTC()
	length := end.Sub(start)
	switch {
	case length <= 0:
		return nil, refuse(StartNotBeforeEnd, "startTime must be before endTime.", "startTime", start, "endTime", end)
	case length > MaxRange:
		return nil, refuse(RangeTooLong, "A range is at most 31 days long; open a longer one in several calls.",
			"latestEndTime", start.Add(MaxRange), "maxDays", int(MaxRange/(24*time.Hour)))
	case !start.Equal(start.Truncate(time.Minute)):
		floor := start.Truncate(time.Minute)
		return nil, refuse(NotOnGrid, "startTime must be a whole minute.",
			"before", floor, "after", floor.Add(time.Minute), "slotSeconds", int(r.SlotLength/time.Second))
	case length%r.SlotLength != 0:
		floor := start.Add(length.Truncate(r.SlotLength))
		return nil, refuse(NotOnGrid, "The range must be a multiple of the slot length.",
			"before", floor, "after", floor.Add(r.SlotLength), "slotSeconds", int(r.SlotLength/time.Second))
	}
	slots := make([]Slot, 0, length/r.SlotLength)
	for at := start; at.Before(end); at = at.Add(r.SlotLength) {
		slots = append(slots, Slot{at, at.Add(r.SlotLength)})
	}
	return slots, nil
}

// Opened is a slot of a provider that is already open, and its appointment.
type Opened struct {
	Slot
	Appointment ID
}

// Missing returns the slots of want that are not open yet, in their order. A
// slot that would only partly cover an open one is refused: it lies on another
// grid, and one provider cannot serve both.
func Missing(want []Slot, open []Opened) ([]Slot, error) {
	byStart := make(map[int64]Opened, len(open))
	for _, o := range open {
		byStart[o.Start.UnixMicro()] = o
	}
	missing := want[:0:0]
	for _, w := range want {
		if o, ok := byStart[w.Start.UnixMicro()]; ok && o.Same(w) {
			delete(byStart, w.Start.UnixMicro())
			continue
		}
		missing = append(missing, w)
	}
	for _, o := range open {
		if _, left := byStart[o.Start.UnixMicro()]; !left {
			continue
		}
		for _, m := range missing {
			if o.Overlaps(m) {
				return nil, refuse(ProviderBusy, "The range cuts across a slot of this provider that is already open.",
					"conflictingAppointmentId", o.Appointment, "timeSlot", o.Start, "endsAt", o.End)
			}
		}
	}
	return missing, nil
}
