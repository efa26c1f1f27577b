package ent_test

import (
	"context"
	"slices"
	"testing"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/customer"
	"docket/ent/orm/reservation"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/viewer"
)

// TestDirectReads asks ent's builders themselves, in every way that they read.
func TestDirectReads(t *testing.T) {
	t.Parallel()
	type asker struct {
		who string
		ctx context.Context
	}
	reads := []struct {
		what string
		of   func(context.Context, desk) ([]int, error)
		want [4]string // the client Ada, the provider Mei, anonymous, nobody at all
	}{
		{"clients", func(ctx context.Context, d desk) ([]int, error) { return d.Customer.Query().IDs(ctx) }, [4]string{"Ada", "Ada"}},
		{"one client", func(ctx context.Context, d desk) ([]int, error) {
			c, err := d.Customer.Get(ctx, d.ids["Ben"])
			if orm.IsNotFound(err) {
				return nil, nil
			}
			return []int{c.ID}, err
		}, [4]string{}},
		{"whether there is one", func(ctx context.Context, d desk) ([]int, error) {
			if there, err := d.Customer.Query().Where(customer.FirstName("Ben")).Exist(ctx); err != nil || !there {
				return nil, err
			}
			return []int{d.ids["Ben"]}, nil
		}, [4]string{}},
		{"clients, either way", func(ctx context.Context, d desk) ([]int, error) {
			return d.Customer.Query().Where(customer.Or(customer.ID(d.ids["Ben"]), customer.ID(d.ids["Ada"]))).Unique(false).Order(customer.ByID()).IDs(ctx)
		}, [4]string{"Ada", "Ada"}},
		{"a number of reservations", func(ctx context.Context, d desk) ([]int, error) {
			n, err := d.Reservation.Query().Count(ctx)
			return slices.Repeat([]int{d.ids["Ada@M1"]}, n), err
		}, [4]string{"Ada@M1", "Ada@M1"}},
		{"an aggregate", func(ctx context.Context, d desk) (ids []int, err error) {
			var v []struct {
				State string
				Max   int
			}
			err = d.Reservation.Query().GroupBy(reservation.FieldState).Aggregate(orm.As(orm.Max(reservation.FieldID), "max")).Scan(ctx, &v)
			for _, g := range v {
				ids = append(ids, g.Max)
			}
			return ids, err
		}, [4]string{"Ada@M1", "Ada@M1"}},
		{"a sum", func(ctx context.Context, d desk) ([]int, error) {
			var v []struct{ Sum *int }
			err := d.Reservation.Query().Aggregate(orm.As(orm.Sum(reservation.FieldID), "sum")).Scan(ctx, &v)
			if err != nil || v[0].Sum == nil {
				return nil, err
			}
			return []int{*v[0].Sum}, nil
		}, [4]string{"Ada@M1", "Ada@M1"}},
		{"from providers to reservations", func(ctx context.Context, d desk) ([]int, error) {
			return d.Provider.Query().QueryReservations().IDs(ctx)
		}, [4]string{"Ada@M1", "Ada@M1"}},
		{"through reservations to clients", func(ctx context.Context, d desk) ([]int, error) {
			return d.Provider.Query().QueryReservations().QueryClient().IDs(ctx)
		}, [4]string{"Ada", "Ada"}},
		{"from hidden reservations to what all see", func(ctx context.Context, d desk) ([]int, error) {
			return d.Reservation.Query().QueryProvider().IDs(ctx)
		}, [4]string{"Mei", "Mei"}},
		{"from a row at hand", func(ctx context.Context, d desk) ([]int, error) {
			return d.Customer.GetX(entity.Service(ctx), d.ids["Ben"]).QueryReservations().IDs(ctx)
		}, [4]string{}},
		{"loaded along", func(ctx context.Context, d desk) (ids []int, err error) {
			all, err := d.Provider.Query().WithReservations(func(q *orm.ReservationQuery) { q.WithClient() }).WithAppointments().All(ctx)
			for _, p := range all {
				for _, r := range p.Edges.Reservations {
					ids = append(ids, r.ID, r.Edges.Client.ID)
				}
				for _, a := range p.Edges.Appointments {
					ids = append(ids, a.ID)
				}
			}
			return ids, err
		}, [4]string{"Ada Ada@M1 M1 M2", "Ada Ada@M1 M1 M2", "M2"}},
		{"loaded along, clients of providers", func(ctx context.Context, d desk) (ids []int, err error) {
			all, err := d.Provider.Query().WithClients().All(ctx)
			for _, p := range all {
				for _, c := range p.Edges.Clients {
					ids = append(ids, c.ID)
				}
			}
			return ids, err
		}, [4]string{"Ada", "Ada"}},
		{"the trail", func(ctx context.Context, d desk) ([]int, error) { return d.Change.Query().IDs(ctx) }, [4]string{}},
		{"keys", func(ctx context.Context, d desk) ([]int, error) { return d.IdempotencyKey.Query().IDs(ctx) }, [4]string{}},
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := setDesk(t, db.ORM())
		ctx := t.Context()
		for i, who := range []asker{
			{"Ada", by(ctx, "ada", viewer.Client)},
			{"Mei", by(ctx, "mei", viewer.Provider)},
			{"anonymous", by(ctx, "", viewer.Client)},
			{"nobody", moment(ctx)},
		} {
			for _, r := range reads {
				ids, err := r.of(who.ctx, d)
				if got := d.names(ids); err != nil || got != r.want[i] {
					t.Errorf("%s: %s sees %q %v, want %q", r.what, who.who, got, err, r.want[i])
				}
				tx, err := db.ORM().Tx(who.ctx)
				if err != nil {
					t.Fatal(err)
				}
				again, err := r.of(who.ctx, desk{tx.Client(), d.ids})
				if got := d.names(again); err != nil || got != r.want[i] {
					t.Errorf("%s: in a transaction %s sees %q %v, want %q", r.what, who.who, got, err, r.want[i])
				}
				_ = tx.Rollback()
			}
		}
	})
}
