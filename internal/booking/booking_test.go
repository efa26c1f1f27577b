package booking_test

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, wherever they run

	"docket/internal/booking"
)

// noon is the instant most of these tests are at.
var noon = time.Date(2030, time.May, 6, 12, 0, 0, 0, time.UTC)

type facts = map[string]any

// refused fails the test unless err is a refusal with just this code and
// these facts, which it compares as the API would tell them: instants in UTC.
func refused(t *testing.T, err error, code booking.Code, want facts) {
	t.Helper()
	var refusal *booking.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want the refusal %s", err, code)
	}
	if refusal.Code != code {
		t.Errorf("refused with %s, want %s", refusal.Code, code)
	}
	if refusal.Message == "" {
		t.Errorf("the refusal %s says nothing to a person", refusal.Code)
	}
	if !reflect.DeepEqual(refusal.Facts, want) {
		t.Errorf("%s has the facts %v, want %v", refusal.Code, refusal.Facts, want)
	}
}

// granted fails the test if err is not nil.
func granted(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// slot is the one that starts some minutes after noon and lasts a quarter of an hour.
func slot(minutes int) booking.Slot {
	start := noon.Add(time.Duration(minutes) * time.Minute)
	return booking.Slot{Start: start, End: start.Add(15 * time.Minute)}
}

// reserve is Reserve for tests that only look at the refusal.
func reserve(r booking.Rules, now time.Time, client booking.ID, a booking.Appointment, rivals ...booking.Reservation) error {
	_, err := r.Reserve(now, client, a, rivals)
	return err
}

func TestRefusalIsAnErrorThatNamesItsCode(t *testing.T) {
	t.Parallel()
	err := error(&booking.Refusal{Code: booking.SlotTaken, Message: "Somebody has it."})
	if got, want := err.Error(), "SLOT_TAKEN: Somebody has it."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Facts reach consumers: whatever the rules put there must be of a kind that
// the API can write, and every instant must be in UTC.
func TestFactsAreOfTheKindsTheAPIWrites(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	local := booking.Slot{Start: noon.In(berlin), End: noon.Add(15 * time.Minute).In(berlin)}
	held := booking.Reservation{ID: 1, Client: 2, Appointment: 3, Slot: local, State: booking.Held, Expiry: noon.Add(time.Hour).In(berlin)}
	rules := booking.Rules{SlotLength: 15 * time.Minute, AdvanceNotice: time.Hour, HoldLength: time.Hour}
	free := booking.Rules{SlotLength: 15 * time.Minute, HoldLength: time.Hour}
	refusals := map[string]func() error{
		"start not before end": func() error { _, err := rules.Cut(noon.In(berlin), noon.In(berlin)); return err },
		"range too long":       func() error { _, err := rules.Cut(noon.In(berlin), noon.AddDate(1, 0, 0)); return err },
		"odd second":           func() error { _, err := rules.Cut(noon.In(berlin).Add(1), noon.Add(time.Hour)); return err },
		"odd length":           func() error { _, err := rules.Cut(noon.In(berlin), noon.Add(time.Second)); return err },
		"provider busy": func() error {
			_, err := booking.Missing([]booking.Slot{slot(5)}, []booking.Opened{{Slot: local, Appointment: 3}})
			return err
		},
		"cancelled":   func() error { return reserve(rules, noon, 2, booking.Appointment{Cancelled: true}) },
		"too soon":    func() error { return reserve(rules, noon.In(berlin), 2, booking.Appointment{Slot: local}) },
		"slot held":   func() error { return reserve(free, noon, 9, booking.Appointment{ID: 3, Slot: local}, held) },
		"client busy": func() error { return reserve(free, noon, 2, booking.Appointment{ID: 4, Slot: local}, held) },
		"hold expired": func() error {
			_, err := booking.Confirm(noon.Add(2*time.Hour), held, booking.Appointment{})
			return err
		},
	}
	for _, name := range slices.Sorted(maps.Keys(refusals)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refusal *booking.Refusal
			if err := refusals[name](); !errors.As(err, &refusal) {
				t.Fatalf("got %v, want a refusal", err)
			}
			if len(refusal.Facts) == 0 {
				t.Error("it has no facts")
			}
			for fact, v := range refusal.Facts {
				switch v := v.(type) {
				case string, int, bool, booking.ID:
				case time.Time:
					if v.Location() != time.UTC {
						t.Errorf("%s is in %v", fact, v.Location())
					}
				default:
					t.Errorf("%s is a %T", fact, v)
				}
			}
		})
	}
}
