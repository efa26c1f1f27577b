package booking_test

import (
	"errors"
	"testing"
	"time"

	"docket/internal/booking"
)

func TestMomentTravelsInTheContext(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	given := booking.Moment{Now: noon.Add(1234 * time.Nanosecond).In(berlin), Rules: booking.DefaultRules()}
	got, err := booking.FromContext(booking.NewContext(t.Context(), given))
	granted(t, err)
	if want := (booking.Moment{Now: noon.Add(time.Microsecond), Rules: given.Rules}); got != want {
		t.Errorf("got %v, want %v: the instant as the databases keep it", got, want)
	}
}

func TestTheLastMomentCounts(t *testing.T) {
	t.Parallel()
	ctx := booking.NewContext(t.Context(), booking.Moment{Now: noon})
	got, err := booking.FromContext(booking.NewContext(ctx, booking.Moment{Now: noon.Add(time.Hour)}))
	granted(t, err)
	if !got.Now.Equal(noon.Add(time.Hour)) {
		t.Errorf("got %v", got.Now)
	}
}

func TestNoMoment(t *testing.T) {
	t.Parallel()
	if m, err := booking.FromContext(t.Context()); !errors.Is(err, booking.ErrNoMoment) || m != (booking.Moment{}) {
		t.Errorf("got %v and %v, want no moment and ErrNoMoment", m, err)
	}
}

func TestInstant(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	tests := map[string]struct{ in, want time.Time }{
		"whole":                     {noon, noon},
		"a microsecond":             {noon.Add(time.Microsecond), noon.Add(time.Microsecond)},
		"below a microsecond":       {noon.Add(time.Microsecond - 1), noon},
		"above a microsecond":       {noon.Add(time.Microsecond + 1), noon.Add(time.Microsecond)},
		"elsewhere":                 {noon.In(berlin), noon},
		"before 1970, rounded down": {time.Date(1969, 12, 31, 23, 59, 59, 1, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := booking.Instant(tt.in); got != tt.want { // not Equal: the zone matters
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	// A monotonic reading would make equal instants differ in ==.
	if now := time.Now(); booking.Instant(now) != booking.Instant(now.Round(0)) {
		t.Error("the monotonic clock is in the instant")
	}
}
