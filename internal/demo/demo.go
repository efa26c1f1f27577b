// Package demo fills an empty database with believable people, a fortnight of
// slots and some reservations.
package demo

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/ent/schema"
	"docket/internal/booking"
	"docket/internal/gate"
	"docket/internal/txn"
	"docket/internal/viewer"
)

const (
	days      = 14
	opens     = 9  // o'clock, where the provider is
	closes    = 17 // o'clock
	requested = 150
)

// Fill fills the database as seen from now, all of it or nothing; one that has
// providers is left alone. The same day gives the same people and wishes. Of
// several servers that start on an empty database at once, one fills it: a
// subject is nobody else's.
func Fill(ctx context.Context, db *orm.Client, rules booking.Rules, now time.Time) error {
	ctx = booking.NewContext(viewer.NewContext(ctx, viewer.Local()), booking.Moment{Now: now, Rules: rules})
	if filled, err := db.Provider.Query().Exist(ctx); err != nil || filled {
		return err
	}
	_, err := txn.Do(ctx, db, func(tx *orm.Tx) (struct{}, error) {
		desk := &gate.Gate{Rules: rules, Clock: func() time.Time { return now }, Log: slog.Default()}
		return struct{}{}, fill(ctx, tx, desk, now)
	})
	if orm.IsConstraintError(err) { // another server was sooner
		return nil
	}
	return err
}

func fill(ctx context.Context, tx *orm.Tx, desk *gate.Gate, now time.Time) error {
	providers, err := tx.Provider.MapCreateBulk(providers, func(c *orm.ProviderCreate, i int) {
		p := providers[i]
		c.SetFirstName(p.first).SetLastName(p.last).SetTimeZone(p.zone).SetSubject("demo:" + p.first + "." + p.last)
	}).Save(ctx)
	if err != nil {
		return err
	}
	for _, p := range providers {
		if err := open(ctx, tx, desk, p, now); err != nil {
			return err
		}
	}
	clients, err := tx.Customer.MapCreateBulk(clients, func(c *orm.CustomerCreate, i int) {
		c.SetFirstName(clients[i].first).SetLastName(clients[i].last)
	}).Save(ctx)
	if err != nil {
		return err
	}
	return reserve(ctx, tx, desk, clients)
}

// open opens the working days of the coming fortnight of a provider.
func open(ctx context.Context, tx *orm.Tx, desk *gate.Gate, p *orm.Provider, now time.Time) error {
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return err
	}
	for d := range days {
		y, m, day := now.In(zone).AddDate(0, 0, d).Date()
		from := time.Date(y, m, day, opens, 0, 0, 0, zone)
		if w := from.Weekday(); w == time.Saturday || w == time.Sunday {
			continue
		}
		length := time.Date(y, m, day, closes, 0, 0, 0, zone).Sub(from).Truncate(desk.Rules.SlotLength)
		if length == 0 { // a slot is longer than a day's work
			continue
		}
		if err := desk.Open(ctx, tx, p.ID, from, from.Add(length)); err != nil {
			return err
		}
	}
	return nil
}

// reserve lets clients ask for slots as they like; two of three confirm.
func reserve(ctx context.Context, tx *orm.Tx, desk *gate.Gate, clients []*orm.Customer) error {
	free, err := tx.Appointment.Query().Where(schema.AppointmentAvailable(ctx)).Order(appointment.ByID()).IDs(ctx)
	if err != nil || len(free) == 0 {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same wishes every time
	for range requested {
		id, err := desk.Reserve(ctx, tx, clients[random.IntN(len(clients))].ID, free[random.IntN(len(free))])
		if err == nil && random.IntN(3) > 0 {
			err = desk.Confirm(ctx, tx, id, nil)
		}
		if refusal := (*booking.Refusal)(nil); err != nil && !errors.As(err, &refusal) {
			return err
		}
	}
	return nil
}
