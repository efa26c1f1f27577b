package booking

import (
	"fmt"
	"time"
)

// MaxRange is the longest range one call may open for booking.
const MaxRange = 31 * 24 * time.Hour

// Rules are the three settings of a booking desk.
type Rules struct {
	// SlotLength is the length of every appointment; whole minutes, up to a day.
	SlotLength time.Duration
	// AdvanceNotice is how long before its start a slot can last be reserved;
	// elapsed time, inclusive, checked when reserving and when rescheduling.
	AdvanceNotice time.Duration
	// HoldLength is how long a reservation waits for its confirmation.
	HoldLength time.Duration
}

// DefaultRules are the settings of the service docket replaces.
func DefaultRules() Rules {
	return Rules{SlotLength: 15 * time.Minute, AdvanceNotice: 24 * time.Hour, HoldLength: 30 * time.Minute}
}

// Validate reports the first setting that cannot work, by its name.
func (r Rules) Validate() error {
	switch {
	case r.SlotLength < time.Minute || r.SlotLength > 24*time.Hour || r.SlotLength%time.Minute != 0:
		return fmt.Errorf("slot-length: %v is not a whole number of minutes between 1m and 24h", r.SlotLength)
	case r.AdvanceNotice < 0 || r.AdvanceNotice > 366*24*time.Hour:
		return fmt.Errorf("advance-notice: %v is not between 0s and 8784h (a year)", r.AdvanceNotice)
	case r.HoldLength < time.Second || r.HoldLength > 7*24*time.Hour:
		return fmt.Errorf("hold-length: %v is not between 1s and 168h (a week)", r.HoldLength)
	}
	return nil
}

// EarliestStart is the start of the first slot that may still be reserved at now.
func (r Rules) EarliestStart(now time.Time) time.Time { return now.Add(r.AdvanceNotice) }
