package demo_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the providers, wherever the tests run

	"entgo.io/ent/dialect"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/ent/orm/reservation"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/demo"
	"docket/internal/viewer"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fill fills a database and returns it, and what it holds.
func fill(t *testing.T, db *database.DB, rules booking.Rules, now time.Time) (*orm.Client, content) {
	t.Helper()
	client := db.ORM()
	must(t, demo.Fill(t.Context(), client, rules, now))
	return client, read(t, client)
}

type content struct {
	providers    []*orm.Provider // with their appointments, by time
	clients      []*orm.Customer
	reservations []*orm.Reservation
}

func read(t *testing.T, client *orm.Client) (c content) {
	t.Helper()
	ctx := entity.Service(t.Context())
	var err error
	c.providers, err = client.Provider.Query().WithAppointments(func(q *orm.AppointmentQuery) { q.Order(appointment.ByTimeSlot()) }).All(ctx)
	must(t, err)
	c.clients, err = client.Customer.Query().All(ctx)
	must(t, err)
	c.reservations, err = client.Reservation.Query().Order(reservation.ByID()).All(ctx)
	must(t, err)
	return c
}

// wishes tells the reservations in a way that all databases agree on.
func (c content) wishes() string {
	var out strings.Builder
	for _, r := range c.reservations {
		fmt.Fprintln(&out, r.ID, r.ClientID, r.ProviderID, r.TimeSlot.UTC(), r.State)
	}
	return out.String()
}

// monday is a day without anything special.
var monday = time.Date(2030, time.May, 6, 12, 0, 0, 0, time.UTC)

// The same day gives the same wishes, on any database.
func TestFill(t *testing.T) {
	t.Parallel()
	wishes := make([]string, len(dbtest.Dialects()))
	t.Run("on", func(t *testing.T) {
		for i, name := range dbtest.Dialects() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				db := dbtest.Open(t, name)
				client, c := fill(t, db, booking.DefaultRules(), monday)
				c.check(t)
				c.keepsTheRules(t, db)
				wishes[i] = c.wishes()

				// The audit trail knows it for nobody's request.
				var made, asked int
				must(t, db.QueryRowContext(t.Context(), "SELECT count(*), count(viewer) + count(operation) FROM changes WHERE action = 'CREATE'").Scan(&made, &asked))
				if made < len(c.clients)+len(c.providers)+len(c.reservations) || asked > 0 {
					t.Errorf("%d rows are noted, %d of them for somebody", made, asked)
				}

				// Again, it changes nothing.
				must(t, demo.Fill(t.Context(), client, booking.DefaultRules(), monday.AddDate(0, 1, 0)))
				if again := read(t, client); again.wishes() != wishes[i] || len(again.clients) != len(c.clients) || len(again.providers) != len(c.providers) {
					t.Errorf("%d reservations, %d clients and %d providers became %d, %d and %d", len(c.reservations), len(c.clients), len(c.providers),
						len(again.reservations), len(again.clients), len(again.providers))
				}
			})
		}
	})
	if slices.Min(wishes) != slices.Max(wishes) {
		t.Errorf("got\n%s", strings.Join(wishes, "\nand\n"))
	}
}

// Servers that start at once on the same empty database fill it once.
func TestFillAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		client := db.ORM()
		var servers sync.WaitGroup
		for range 3 {
			servers.Go(func() {
				if err := demo.Fill(t.Context(), client, booking.DefaultRules(), monday); err != nil {
					t.Error(err)
				}
			})
		}
		servers.Wait()
		read(t, client).once(t)
	})
}

// once fails the test if anybody is there twice.
func (c content) once(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for _, p := range c.providers {
		seen["provider "+p.FirstName+p.LastName] = true
	}
	for _, p := range c.clients {
		seen["client "+p.FirstName+p.LastName] = true
	}
	if n := len(c.providers) + len(c.clients); len(seen) == 0 || n != len(seen) {
		t.Errorf("%d people, of whom %d differ", n, len(seen))
	}
}

// check fails the test if there is too little to play with, or it is wrong.
func (c content) check(t *testing.T) {
	t.Helper()
	if len(c.providers) < 5 || len(c.clients) < 10 || len(c.reservations) < 50 {
		t.Fatalf("%d providers, %d clients, %d reservations: too few to play with", len(c.providers), len(c.clients), len(c.reservations))
	}
	states := map[reservation.State]int{}
	for _, r := range c.reservations {
		states[r.State]++
		if r.TimeSlot.Before(monday.Add(24*time.Hour)) || !r.CreatedAt.Equal(monday) {
			t.Errorf("%v is for %v, made at %v", r.ID, r.TimeSlot, r.CreatedAt)
		}
	}
	if states[reservation.StateHELD] == 0 || states[reservation.StateCONFIRMED] <= states[reservation.StateHELD] {
		t.Errorf("the states are %v, want most of them confirmed", states)
	}
	for _, p := range c.providers {
		if len(p.Edges.Appointments) != 10*8*4 {
			t.Errorf("%s has %d slots, want ten days of them", p.FirstName, len(p.Edges.Appointments))
		}
	}
}

func (content) keepsTheRules(t *testing.T, db *database.DB) {
	t.Helper()
	for what, pairs := range map[string]string{
		"one slot":   "a.appointment_id = b.appointment_id",
		"one client": "a.client_id = b.client_id AND a.time_slot < b.ends_at AND b.time_slot < a.ends_at",
	} {
		var n int
		must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM reservations a JOIN reservations b ON a.id < b.id AND "+pairs).Scan(&n))
		if n > 0 {
			t.Errorf("%s in two reservations at a time, %d times", what, n)
		}
	}
}

// A database that somebody uses is not for playing.
func TestFillLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: monday})
		must(t, db.ORM().Provider.Create().SetFirstName("Pia").SetLastName("Provider").Exec(ctx))
		_, c := fill(t, db, booking.DefaultRules(), monday)
		if len(c.providers) != 1 || len(c.clients) != 0 {
			t.Errorf("%d providers and %d clients", len(c.providers), len(c.clients))
		}
	})
}

// Providers work from nine to five by the clock on their wall, also in a week
// in which it changes.
func TestFillInWeeksTheClocksChange(t *testing.T) {
	t.Parallel()
	for name, now := range map[string]time.Time{
		"Europe, spring":  time.Date(2026, time.March, 26, 23, 30, 0, 0, time.UTC),
		"Europe, autumn":  time.Date(2026, time.October, 22, 23, 30, 0, 0, time.UTC),
		"America, spring": time.Date(2026, time.March, 6, 4, 0, 0, 0, time.UTC),
		"America, autumn": time.Date(2026, time.October, 30, 4, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c := fill(t, dbtest.Open(t, dialect.Postgres), booking.DefaultRules(), now) // the faster one
			offsets := map[string]map[int]bool{}
			for _, p := range c.providers {
				zone, err := time.LoadLocation(p.TimeZone)
				must(t, err)
				offsets[p.TimeZone] = map[int]bool{}
				perDay := map[string]int{}
				for _, a := range p.Edges.Appointments {
					start, end := a.TimeSlot.In(zone), a.EndsAt.In(zone)
					perDay[start.Format(time.DateOnly)]++
					_, offset := start.Zone()
					offsets[p.TimeZone][offset] = true
					if w := start.Weekday(); start.Hour() < 9 || end.Add(-1).Hour() >= 17 || w == time.Saturday || w == time.Sunday {
						t.Errorf("%s works at %v", p.FirstName, start)
					}
				}
				today := now.In(zone).Format(time.DateOnly)
				if first := p.Edges.Appointments[0].TimeSlot.In(zone); first.Format(time.DateOnly) < today {
					t.Errorf("%s began on %v, before the day it is there", p.FirstName, first)
				}
				for day, n := range perDay {
					if n != 32 {
						t.Errorf("%s has %d slots on %s, want 32", p.FirstName, n, day)
					}
				}
				if len(perDay) != 10 {
					t.Errorf("%s works on %d days, want 10", p.FirstName, len(perDay))
				}
			}
			if changed := map[bool]string{true: "Europe/Berlin", false: "America/New_York"}[strings.HasPrefix(name, "Europe")]; len(offsets[changed]) != 2 {
				t.Errorf("the clocks of %s did not change: %v", changed, offsets[changed])
			}
		})
	}
}

// Whatever the desk is told, it is filled as far as that goes.
func TestFillUnderOtherRules(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		rules      booking.Rules
		perDay     int
		reservable bool
	}{
		"slots that do not fill the day": {booking.Rules{SlotLength: 50 * time.Minute, AdvanceNotice: day, HoldLength: time.Hour}, 9, true},
		"a slot that fills the day":      {booking.Rules{SlotLength: 8 * time.Hour, AdvanceNotice: day, HoldLength: time.Hour}, 1, true},
		"slots longer than a day's work": {booking.Rules{SlotLength: day, AdvanceNotice: day, HoldLength: time.Hour}, 0, false},
		"a notice longer than all of it": {booking.Rules{SlotLength: time.Hour, AdvanceNotice: 30 * day, HoldLength: time.Hour}, 8, false},
		"no notice":                      {booking.Rules{SlotLength: time.Hour, HoldLength: time.Second}, 8, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				_, c := fill(t, db, tt.rules, monday)
				for _, p := range c.providers {
					if got := len(p.Edges.Appointments); got != 10*tt.perDay {
						t.Errorf("%s has %d slots, want %d a day", p.FirstName, got, tt.perDay)
					}
				}
				if (len(c.reservations) > 0) != tt.reservable {
					t.Errorf("%d reservations", len(c.reservations))
				}
			})
		})
	}
}

func TestFillEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := demo.Fill(ctx, db.ORM(), booking.DefaultRules(), monday); err == nil {
			t.Error("filled, although nobody waits for it")
		}
	})
}
