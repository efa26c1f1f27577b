package schema_test

import (
	"context"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, wherever they run

	"docket/ent/orm"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/viewer"
)

// noon is when these tests are, and what they tell times from.
var noon = time.Date(2030, time.May, 6, 12, 0, 0, 0, time.UTC)

// tick is the shortest time that the databases tell.
const tick = time.Microsecond

// bundle is an empty database.
type bundle struct{ *orm.Client }

func setup(t *testing.T, db *database.DB) bundle {
	t.Helper()
	return bundle{db.ORM()}
}

// at is a context in which it is now.
func at(t *testing.T, now time.Time) context.Context {
	t.Helper()
	return booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: now, Rules: booking.DefaultRules()})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b bundle) provider(t *testing.T) int {
	t.Helper()
	p, err := b.Provider.Create().SetFirstName("Pia").SetLastName("Provider").Save(at(t, noon))
	must(t, err)
	return p.ID
}

func (b bundle) client(t *testing.T) int {
	t.Helper()
	c, err := b.Customer.Create().SetFirstName("Cleo").SetLastName("Client").Save(at(t, noon))
	must(t, err)
	return c.ID
}

// slot is one of a new provider.
func (b bundle) slot(t *testing.T, start time.Time) *orm.Appointment {
	t.Helper()
	a, err := b.Appointment.Create().SetProviderID(b.provider(t)).SetTimeSlot(start).SetEndsAt(start.Add(15 * time.Minute)).Save(at(t, noon))
	must(t, err)
	return a
}

// held is a hold of a new client that ends at its expiry; other states are set
// on what it returns.
func (b bundle) held(t *testing.T, a *orm.Appointment, expiry time.Time) *orm.ReservationCreate {
	t.Helper()
	return b.Reservation.Create().SetClientID(b.client(t)).SetAppointmentID(a.ID).SetProviderID(a.ProviderID).
		SetTimeSlot(a.TimeSlot).SetEndsAt(a.EndsAt).
		SetExpiry(expiry).SetActiveFrom(expiry.Add(-30 * time.Minute)).SetActiveUntil(expiry)
}
