package ent_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"docket/ent/entity"
	"docket/ent/orm"
	_ "docket/ent/orm/runtime" // the policies
	"docket/internal/booking"
	"docket/internal/viewer"
)

// desk is a database with a few rows that have names. Ada has confirmed Mei's slot
// M1, Ben holds Pia's P1, Mei's M2 is free.
type desk struct {
	*orm.Client
	ids map[string]int
}

var monday = time.Date(2030, 1, 7, 8, 0, 0, 0, time.UTC)

func moment(ctx context.Context) context.Context {
	return booking.NewContext(ctx, booking.Moment{Now: monday, Rules: booking.DefaultRules()})
}

// by is a context of a request from somebody with the role.
func by(ctx context.Context, subject string, role viewer.Role) context.Context {
	return moment(viewer.NewContext(ctx, viewer.Viewer{Subject: subject, Roles: []viewer.Role{role}}))
}

func setDesk(t *testing.T, db *orm.Client) desk {
	t.Helper()
	d, ctx := desk{db, map[string]int{}}, moment(entity.Service(t.Context()))
	slot := func(name string, provider int, in time.Duration) *orm.Appointment {
		a := db.Appointment.Create().SetProviderID(provider).SetTimeSlot(monday.Add(in)).SetEndsAt(monday.Add(in + time.Hour)).SaveX(ctx)
		d.ids[name] = a.ID
		return a
	}
	for i, name := range []string{"Mei", "Pia"} {
		p := db.Provider.Create().SetFirstName(name).SetLastName("P.").SetSubject(strings.ToLower(name)).SaveX(ctx)
		c := db.Customer.Create().SetFirstName([]string{"Ada", "Ben"}[i]).SetLastName("C.").SetSubject([]string{"ada", "ben"}[i]).SaveX(ctx)
		d.ids[name], d.ids[c.FirstName] = p.ID, c.ID
		a := slot(name[:1]+"1", p.ID, 48*time.Hour)
		d.ids[c.FirstName+"@"+name[:1]+"1"] = d.hold(c.ID, a).SaveX(ctx).ID
	}
	slot("M2", d.ids["Mei"], 72*time.Hour)
	db.Reservation.UpdateOneID(d.ids["Ada@M1"]).SetState("CONFIRMED").SetConfirmedAt(monday).ClearActiveUntil().ExecX(ctx)
	return d
}

func (d desk) hold(client int, a *orm.Appointment) *orm.ReservationCreate {
	until := monday.Add(time.Hour)
	return d.Reservation.Create().SetClientID(client).SetAppointmentID(a.ID).SetProviderID(a.ProviderID).
		SetTimeSlot(a.TimeSlot).SetEndsAt(a.EndsAt).SetExpiry(until).SetActiveFrom(monday).SetActiveUntil(until)
}

func (d desk) names(ids []int) string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(d.ids)) {
		if slices.Contains(ids, d.ids[name]) {
			found = append(found, name)
		}
	}
	return strings.Join(found, " ")
}

// versions are all rows, by id.
func (d desk) versions(ctx context.Context) map[int]string {
	all := map[int]string{}
	ctx = entity.Service(ctx)
	for _, r := range d.Customer.Query().AllX(ctx) {
		all[r.ID] = r.String()
	}
	for _, r := range d.Provider.Query().AllX(ctx) {
		all[r.ID] = r.String()
	}
	for _, r := range d.Appointment.Query().AllX(ctx) {
		all[r.ID] = r.String()
	}
	for _, r := range d.Reservation.Query().AllX(ctx) {
		all[r.ID] = r.String()
	}
	return all
}
