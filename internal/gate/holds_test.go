package gate_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/gate"
)

// A hold runs until it is confirmed, cancelled or over; the last is counted once,
// by whoever asks from where they asked last.
func TestHolds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		b.held(t, b.client(t), b.slot(t, tomorrow+time.Hour))
		cancelled := b.held(t, b.client(t), b.slot(t, tomorrow+2*time.Hour))
		must(t, b.Cancel(b.request(t), cancelled))
		b.confirmed(t, b.client(t), b.slot(t, tomorrow+3*time.Hour))
		length := booking.DefaultRules().HoldLength
		for _, step := range []struct {
			since, now     time.Duration
			running, ended int
		}{
			{0, 0, 1, 0},
			{0, length - time.Second, 1, 0},
			{length - time.Second, length, 0, 1}, // at its end it is over
			{length, length + time.Hour, 0, 0},
			{-time.Hour, length + time.Hour, 0, 1},
		} {
			running, ended, err := gate.Holds(t.Context(), b.DB, noon.Add(step.since), noon.Add(step.now))
			must(t, err)
			if running != step.running || ended != step.ended {
				t.Errorf("from %v to %v: %d run and %d ended, want %d and %d", step.since, step.now, running, ended, step.running, step.ended)
			}
		}
	})
}

// An observer is told of each verb, of the rows it is about, and of how it ended;
// what happens within has the context that it made.
func TestObserver(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.Open(t, "sqlite"))
	var told []string
	b.Observer = func(ctx context.Context, verb string, ids func() []string) (context.Context, func(error)) {
		about := verb + " of " + strings.Repeat("row ", len(ids()))
		return ctx, func(err error) {
			if err != nil {
				about += "refused"
			}
			told = append(told, strings.TrimSpace(about))
		}
	}
	provider, client, other := b.provider(t), b.client(t), b.client(t)
	must(t, b.Open(b.request(t), provider, noon.Add(tomorrow), noon.Add(tomorrow+time.Hour)))
	slots, err := b.DB.Appointment.Query().IDs(b.request(t))
	must(t, err)
	id, err := b.Reserve(b.request(t), client, slots[0])
	must(t, err)
	if _, err := b.Reserve(b.request(t), other, slots[0]); err == nil {
		t.Error("it is held twice")
	}
	if err := b.Glance(b.request(t), b.DB, other, slots[0]); err == nil {
		t.Error("a glance lets it through")
	}
	must(t, b.Reschedule(b.request(t), id, slots[1]))
	must(t, b.Confirm(b.request(t), id))
	must(t, b.Cancel(b.request(t), id))
	must(t, b.CancelAppointment(b.request(t), slots[1]))
	want := "open of row; reserve of row row; reserve of row row refused; glance of row row refused; reschedule of row row; confirm of row; cancel of row; withdraw of row"
	if got := strings.Join(told, "; "); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}
