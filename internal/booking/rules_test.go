package booking_test

import (
	"strings"
	"testing"
	"time"

	"docket/internal/booking"
)

func TestDefaultRulesAreThoseOfTheOldService(t *testing.T) {
	t.Parallel()
	want := booking.Rules{SlotLength: 15 * time.Minute, AdvanceNotice: 24 * time.Hour, HoldLength: 30 * time.Minute}
	if got := booking.DefaultRules(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRulesValidate(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	slots := func(d time.Duration) booking.Rules { return booking.Rules{d, day, time.Hour} }
	notice := func(d time.Duration) booking.Rules { return booking.Rules{time.Hour, d, time.Hour} }
	hold := func(d time.Duration) booking.Rules { return booking.Rules{time.Hour, day, d} }
	tests := map[string]struct {
		rules booking.Rules
		wrong string // the setting that the error names; empty where there is none
	}{
		"the defaults":                  {booking.DefaultRules(), ""},
		"no slot length":                {slots(0), "slot-length: 0s"},
		"a negative slot length":        {slots(-time.Minute), "slot-length: -1m0s"},
		"slots just below a minute":     {slots(time.Minute - 1), "slot-length: 59.999999999s"},
		"slots of a minute":             {slots(time.Minute), ""},
		"slots just above a minute":     {slots(time.Minute + 1), "slot-length: 1m0.000000001s"},
		"slots of a minute and a half":  {slots(90 * time.Second), "slot-length: 1m30s"},
		"slots of a day":                {slots(day), ""},
		"slots of a day and a minute":   {slots(day + time.Minute), "slot-length: 24h1m0s"},
		"a negative notice":             {notice(-1), "advance-notice: -1ns"},
		"no notice":                     {notice(0), ""},
		"a notice of a year":            {notice(366 * day), ""},
		"a notice of more than a year":  {notice(366*day + 1), "advance-notice: 8784h0m0.000000001s"},
		"no hold":                       {hold(0), "hold-length: 0s"},
		"a hold just below a second":    {hold(time.Second - 1), "hold-length: 999.999999ms"},
		"a hold of a second":            {hold(time.Second), ""},
		"a hold of a week":              {hold(7 * day), ""},
		"a hold of more than a week":    {hold(7*day + 1), "hold-length: 168h0m0.000000001s"},
		"the first wrong one is named":  {booking.Rules{}, "slot-length: "},
		"and of the others, the notice": {booking.Rules{time.Hour, -1, 0}, "advance-notice: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.rules.Validate()
			switch {
			case tt.wrong == "":
				granted(t, err)
			case err == nil:
				t.Errorf("accepted, want an error that starts with %q", tt.wrong)
			case !strings.HasPrefix(err.Error(), tt.wrong):
				t.Errorf("got %q, want it to start with %q", err, tt.wrong)
			case !strings.Contains(err.Error(), "between"):
				t.Errorf("%q does not say what would be accepted", err)
			}
		})
	}
}

func TestEarliestStart(t *testing.T) {
	t.Parallel()
	// Elapsed time: on the day the clocks go forward, 24 hours end an hour later by the wall.
	berlin := zone(t, "Europe/Berlin")
	now := time.Date(2026, time.March, 28, 12, 0, 0, 0, berlin)
	got := booking.DefaultRules().EarliestStart(now)
	if want := time.Date(2026, time.March, 29, 13, 0, 0, 0, berlin); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
