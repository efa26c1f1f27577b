package ent_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/customer"
	"docket/ent/orm/reservation"
	_ "docket/ent/orm/runtime" // the policies
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
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
