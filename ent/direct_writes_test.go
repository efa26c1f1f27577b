package ent_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/customer"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/viewer"
)

// TestDirectWrites writes by ent's builders themselves: what is not the viewer's to
// write stays as it is, whatever the statement is about besides.
func TestDirectWrites(t *testing.T) {
	t.Parallel()
	ada, mei := func(ctx context.Context) context.Context { return by(ctx, "ada", viewer.Client) }, func(ctx context.Context) context.Context { return by(ctx, "mei", viewer.Provider) }
	writes := []struct {
		what string
		who  func(context.Context) context.Context
		do   func(context.Context, desk) error
		want string // the rows that changed, or "refused"
	}{
		{"all clients", ada, func(ctx context.Context, d desk) error { return d.Customer.Update().SetLastName("X").Exec(ctx) }, "Ada"},
		{"either client", ada, func(ctx context.Context, d desk) error {
			return d.Customer.Update().Where(customer.Or(customer.ID(d.ids["Ben"]), customer.ID(d.ids["Ada"]))).SetLastName("X").Exec(ctx)
		}, "Ada"},
		{"another client", ada, func(ctx context.Context, d desk) error {
			return d.Customer.UpdateOneID(d.ids["Ben"]).SetLastName("X").Exec(ctx)
		}, "refused"},
		{"another client at hand", ada, func(ctx context.Context, d desk) error {
			ben := d.Customer.GetX(entity.Service(ctx), d.ids["Ben"])
			return ben.Update().SetLastName("X").Exec(ctx)
		}, "refused"},
		{"a subject", ada, func(ctx context.Context, d desk) error {
			return d.Customer.UpdateOneID(d.ids["Ada"]).SetSubject("eva").Exec(ctx)
		}, "refused"},
		{"no subject", ada, func(ctx context.Context, d desk) error { return d.Customer.Update().ClearSubject().Exec(ctx) }, "refused"},
		{"another's reservation, taken by an edge", ada, func(ctx context.Context, d desk) error {
			return d.Customer.UpdateOneID(d.ids["Ada"]).AddReservationIDs(d.ids["Ben@P1"]).Exec(ctx)
		}, "refused"},
		{"own reservations, dropped by an edge", ada, func(ctx context.Context, d desk) error {
			return d.Customer.UpdateOneID(d.ids["Ada"]).ClearReservations().Exec(ctx)
		}, "refused"},
		{"another's slot, taken by an edge", mei, func(ctx context.Context, d desk) error {
			return d.Provider.UpdateOneID(d.ids["Mei"]).AddAppointmentIDs(d.ids["P1"]).Exec(ctx)
		}, "refused"},
		{"own slot, dropped by an edge", mei, func(ctx context.Context, d desk) error {
			return d.Provider.Update().RemoveAppointmentIDs(d.ids["M1"]).Exec(ctx)
		}, "refused"},
		{"all slots", mei, func(ctx context.Context, d desk) error {
			return d.Appointment.Update().SetStatus("CANCELLED").Exec(ctx)
		}, "M1 M2"},
		{"a slot of another", mei, func(ctx context.Context, d desk) error {
			return d.Appointment.Create().SetProviderID(d.ids["Pia"]).SetTimeSlot(monday).SetEndsAt(monday.Add(time.Hour)).Exec(ctx)
		}, "refused"},
		{"slots, one of them another's", mei, func(ctx context.Context, d desk) error {
			return d.Appointment.MapCreateBulk([]string{"Mei", "Pia"}, func(c *orm.AppointmentCreate, i int) {
				c.SetProviderID(d.ids[[]string{"Mei", "Pia"}[i]]).SetTimeSlot(monday).SetEndsAt(monday.Add(time.Hour))
			}).Exec(ctx)
		}, "refused"},
		{"all reservations", ada, func(ctx context.Context, d desk) error {
			return d.Reservation.Update().SetCancelledAt(monday).Exec(ctx)
		}, "Ada@M1"},
		{"reservations of one's clients", mei, func(ctx context.Context, d desk) error {
			return d.Reservation.Update().SetCancelledAt(monday).Exec(ctx)
		}, "refused"},
		{"a reservation for another", ada, func(ctx context.Context, d desk) error {
			return d.hold(d.ids["Ben"], d.Appointment.GetX(ctx, d.ids["M2"])).Exec(ctx)
		}, "refused"},
		{"reservations, one of them for another", ada, func(ctx context.Context, d desk) error {
			m2 := d.Appointment.GetX(ctx, d.ids["M2"])
			return d.Reservation.CreateBulk(d.hold(d.ids["Ada"], m2), d.hold(d.ids["Ben"], m2)).Exec(ctx)
		}, "refused"},
		{"a client", ada, func(ctx context.Context, d desk) error {
			return d.Customer.Create().SetFirstName("A").SetLastName("B").Exec(ctx)
		}, "refused"},
		{"clients away", ada, func(ctx context.Context, d desk) error { _, err := d.Customer.Delete().Exec(ctx); return err }, "refused"},
		{"a client away", ada, func(ctx context.Context, d desk) error { return d.Customer.DeleteOneID(d.ids["Ada"]).Exec(ctx) }, "refused"},
		{"the trail", ada, func(ctx context.Context, d desk) error { _, err := d.Change.Delete().Exec(ctx); return err }, "refused"},
		{"a key", ada, func(ctx context.Context, d desk) error {
			return d.IdempotencyKey.Create().SetCreatedAt(monday).SetAsker("ben").SetOperation("x").SetKey("x").SetInput("x").SetResult([]int{}).Exec(ctx)
		}, "refused"},
	}
	granted := slices.Clone(writes)
	for _, nobody := range []func(context.Context) context.Context{moment, func(ctx context.Context) context.Context { return by(ctx, "", viewer.Client) }} {
		for _, w := range granted {
			if !strings.HasPrefix(w.what, "reservations, one") && w.what != "a reservation for another" { // they look at a slot first
				w.what, w.who, w.want = "as nobody, "+w.what, nobody, "refused"
				writes = append(writes, w)
			}
		}
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := setDesk(t, db.ORM())
		for _, w := range writes {
			ctx := w.who(t.Context())
			tx, err := db.ORM().Tx(ctx)
			if err != nil {
				t.Fatal(err)
			}
			in := desk{tx.Client(), d.ids}
			before := in.versions(ctx)
			err = w.do(ctx, in)
			got := ""
			if orm.IsNotFound(err) || errors.As(err, new(*entity.Refused)) {
				got = "refused"
			} else if err != nil {
				t.Errorf("%s: %v", w.what, err)
			}
			var changed []int
			for id, v := range in.versions(ctx) {
				if before[id] != v {
					changed = append(changed, id)
				}
			}
			if got += d.names(changed); got != w.want {
				t.Errorf("%s: %q, want %q", w.what, got, w.want)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestAddedFields adds to a number instead of setting it: that is a write, too.
func TestAddedFields(t *testing.T) {
	t.Parallel()
	all := entity.Grants{func(context.Context, viewer.Viewer) entity.Rows { return entity.All() }}
	young := entity.Grants{func(context.Context, viewer.Viewer) entity.Rows {
		return entity.Where(func(s *sql.Selector) *sql.Predicate { return sql.LT(s.C("version"), 3) })
	}}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := by(t.Context(), "ada", viewer.Client)
		for what, p := range map[string]entity.Policy{
			"a field that nobody may write": {Update: all, Fields: map[string]entity.FieldPolicy{"version": {Write: entity.Grants{}}}},
			"a column that decides":         {Update: young},
		} {
			err := p.EvalMutation(ctx, db.ORM().Customer.UpdateOneID(1).AddVersion(1).Mutation())
			if refused := (*entity.Refused)(nil); !errors.As(err, &refused) || refused.Field != "version" {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := (entity.Policy{Update: young}).EvalMutation(ctx, db.ORM().Customer.UpdateOneID(1).SetLastName("X").Mutation()); err != nil {
			t.Error(fmt.Errorf("another column: %w", err))
		}
	})
}
