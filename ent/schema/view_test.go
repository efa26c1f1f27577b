package schema_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql"

	"docket/ent/orm/appointment"
	"docket/ent/orm/reservation"
	"docket/ent/schema"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/viewer"
)

// rows are the ids of rows by what they are called here.
type rows map[string]int

// named are the names of the rows with the ids, in their order.
func (r rows) named(ids []int) []string {
	found := []string{}
	for name, id := range r {
		if slices.Contains(ids, id) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// berlin is now as somebody there would tell it: views compare instants.
func berlin(t *testing.T, now time.Time) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	return now.In(zone)
}

func TestViewsOfReservations(t *testing.T) {
	t.Parallel()
	views := map[string]func(context.Context) func(*sql.Selector){
		"active": schema.ReservationActive, "confirmed": schema.ReservationConfirmed, "expired": schema.ReservationExpired,
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		r := rows{}
		for name, expiry := range map[string]time.Time{"before": noon.Add(-tick), "at": noon, "after": noon.Add(tick)} {
			for _, state := range []string{"held", "confirmed", "cancelled"} {
				create := b.held(t, b.slot(t, noon), expiry)
				switch state {
				case "confirmed":
					create.SetState(reservation.StateCONFIRMED).SetConfirmedAt(expiry.Add(-time.Minute))
					create.Mutation().ResetActiveUntil() // it has no end
				case "cancelled":
					create.SetState(reservation.StateCANCELLED).SetCancelledAt(expiry.Add(-time.Minute))
				}
				saved, err := create.Save(at(t, noon))
				must(t, err)
				r[state+", expiry "+name+" noon"] = saved.ID
			}
		}
		want := map[string][]string{
			"active":    {"held, expiry after noon"},
			"confirmed": {"confirmed, expiry after noon", "confirmed, expiry at noon", "confirmed, expiry before noon"},
			"expired":   {"held, expiry at noon", "held, expiry before noon"},
		}
		for name, view := range views {
			ids, err := b.Reservation.Query().Where(view(at(t, berlin(t, noon)))).IDs(at(t, noon))
			must(t, err)
			if got := r.named(ids); !slices.Equal(got, want[name]) {
				t.Errorf("%s are %q, want %q", name, got, want[name])
			}
		}
	})
}

func TestViewsOfAppointments(t *testing.T) {
	t.Parallel()
	views := map[string]func(context.Context) func(*sql.Selector){
		"available": schema.AppointmentAvailable, "confirmed": schema.AppointmentConfirmed, "reserved": schema.AppointmentReserved,
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		r, earliest := rows{}, noon.Add(24*time.Hour)
		slot := func(name string, start time.Time) int {
			r[name] = b.slot(t, start).ID
			return r[name]
		}
		reserved := func(name string, expiry time.Time, state reservation.State) {
			a := b.slot(t, earliest)
			create := b.held(t, a, expiry).SetState(state)
			if state == reservation.StateCONFIRMED {
				create.Mutation().ResetActiveUntil()
			}
			must(t, create.Exec(at(t, noon)))
			r[name] = a.ID
		}
		slot("starts just too soon", earliest.Add(-tick))
		slot("starts just in time", earliest)
		slot("starts later", earliest.Add(tick))
		must(t, b.Appointment.UpdateOneID(slot("withdrawn", earliest)).SetStatus(appointment.StatusCANCELLED).Exec(at(t, noon)))
		reserved("held until just after noon", noon.Add(tick), reservation.StateHELD)
		reserved("held until noon", noon, reservation.StateHELD)
		reserved("held until just before noon", noon.Add(-tick), reservation.StateHELD)
		reserved("cancelled by its client", noon.Add(time.Minute), reservation.StateCANCELLED)
		reserved("confirmed", noon.Add(-time.Hour), reservation.StateCONFIRMED)
		// A slot with a past: it counts once, for what it is now.
		old := b.slot(t, earliest)
		r["confirmed after others"] = old.ID
		must(t, b.held(t, old, noon.Add(-2*time.Hour)).Exec(at(t, noon)))
		must(t, b.held(t, old, noon.Add(-time.Hour)).SetState(reservation.StateCANCELLED).Exec(at(t, noon)))
		last := b.held(t, old, noon.Add(time.Minute)).SetState(reservation.StateCONFIRMED)
		last.Mutation().ResetActiveUntil()
		must(t, last.Exec(at(t, noon)))

		want := map[string][]string{
			"available": {"cancelled by its client", "held until just before noon", "held until noon", "starts just in time", "starts later"},
			"confirmed": {"confirmed", "confirmed after others"},
			"reserved":  {"confirmed", "confirmed after others", "held until just after noon"},
		}
		for name, view := range views {
			ids, err := b.Appointment.Query().Where(view(at(t, berlin(t, noon)))).IDs(at(t, noon))
			must(t, err)
			if got := r.named(ids); !slices.Equal(got, want[name]) || len(ids) != len(got) {
				t.Errorf("%s are %q, want %q", name, got, want[name])
			}
		}
	})
}

// Available, reserved or neither: where time goes on, a slot that is held
// becomes available at the end of its hold, and not available when it is late.
func TestAvailableAsTimeGoesOn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		a := b.slot(t, noon.Add(25*time.Hour))
		must(t, b.held(t, a, noon.Add(30*time.Minute)).Exec(at(t, noon)))
		for after, want := range map[time.Duration]string{
			0: "reserved", 30*time.Minute - tick: "reserved", 30 * time.Minute: "available", time.Hour: "available", time.Hour + tick: "",
		} {
			got := ""
			for name, view := range map[string]func(context.Context) func(*sql.Selector){
				"available": schema.AppointmentAvailable, "reserved": schema.AppointmentReserved,
			} {
				there, err := b.Appointment.Query().Where(view(at(t, noon.Add(after)))).Exist(at(t, noon))
				must(t, err)
				if there {
					got += name
				}
			}
			if got != want {
				t.Errorf("%v after noon it is %q, want %q", after, got, want)
			}
		}
	})
}

// The notice is a rule of the moment, not of the schema.
func TestAvailableUnderOtherRules(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		r := rows{"at noon": b.slot(t, noon).ID, "an hour later": b.slot(t, noon.Add(time.Hour)).ID}
		for notice, want := range map[time.Duration][]string{
			0: {"an hour later", "at noon"}, tick: {"an hour later"}, time.Hour: {"an hour later"}, time.Hour + tick: {},
		} {
			ctx := booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: noon, Rules: booking.Rules{AdvanceNotice: notice}})
			ids, err := b.Appointment.Query().Where(schema.AppointmentAvailable(ctx)).IDs(at(t, noon))
			must(t, err)
			if got := r.named(ids); !slices.Equal(got, want) {
				t.Errorf("with a notice of %v: %q, want %q", notice, got, want)
			}
		}
	})
}

// A view of no moment in particular would answer for some other time.
func TestViewsNeedAMoment(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		must(t, b.held(t, b.slot(t, noon.Add(25*time.Hour)), noon.Add(time.Minute)).Exec(at(t, noon)))
		for name, view := range map[string]func(context.Context) func(*sql.Selector){
			"active": schema.ReservationActive, "confirmed": schema.ReservationConfirmed, "expired": schema.ReservationExpired,
		} {
			q := b.Reservation.Query().Where(view(t.Context()))
			_, all := q.Clone().All(at(t, noon))
			_, first := q.Clone().First(at(t, noon))
			_, count := q.Clone().Count(at(t, noon))
			for _, err := range []error{all, first, count} {
				if !noMoment(err) {
					t.Errorf("%s reservations: %v, want ErrNoMoment", name, err)
				}
			}
		}
		for name, view := range map[string]func(context.Context) func(*sql.Selector){
			"available": schema.AppointmentAvailable, "confirmed": schema.AppointmentConfirmed, "reserved": schema.AppointmentReserved,
		} {
			q := b.Appointment.Query().Where(view(t.Context()))
			_, all := q.Clone().All(at(t, noon))
			_, first := q.Clone().First(at(t, noon))
			_, count := q.Clone().Count(at(t, noon))
			for _, err := range []error{all, first, count} {
				if !noMoment(err) {
					t.Errorf("%s appointments: %v, want ErrNoMoment", name, err)
				}
			}
		}
	})
}

// noMoment reports whether err is ErrNoMoment, of which ent keeps the text only.
func noMoment(err error) bool {
	return err != nil && strings.Contains(err.Error(), booking.ErrNoMoment.Error())
}
