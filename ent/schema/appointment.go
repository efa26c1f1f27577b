package schema

import (
	"context"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/dialect/sql"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"docket/ent/entity"
	"docket/internal/booking"
	"docket/internal/viewer"
)

// Appointment is one bookable slot of a provider.
type Appointment struct{ ent.Schema }

// Mixin of the Appointment.
func (Appointment) Mixin() []ent.Mixin { return []ent.Mixin{entity.Base{}} }

// Fields of the Appointment.
func (Appointment) Fields() []ent.Field {
	return []ent.Field{
		field.Int("provider_id").Immutable().
			Comment("The provider whose slot it is.").
			Annotations(entgql.Skip(entgql.SkipType)),
		field.Time("time_slot").Immutable().
			Comment("When the slot starts."),
		field.Time("ends_at").Immutable().
			Comment("When the slot ends; the end itself is not part of it."),
		field.Enum("status").Values("OPEN", "CANCELLED").Default("OPEN").
			Comment("Whether the provider still offers the slot."),
	}
}

// Edges of the Appointment.
func (Appointment) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("provider", Provider.Type).Ref("appointments").Field("provider_id").
			Unique().Required().Immutable().
			Comment("The provider whose slot it is.").
			Annotations(entgql.OrderField("PROVIDER_LAST_NAME")),
		edge.To("reservations", Reservation.Type).
			Comment("Every reservation the slot ever had.").
			Annotations(entgql.RelayConnection(), entsql.OnDelete(entsql.Cascade), entity.One("confirmed")),
	}
}

// Indexes of the Appointment.
func (Appointment) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("provider_id", "time_slot"),
	}
}

// Policy of the Appointment: everyone sees what can be reserved, a client what it
// ever reserved, and a provider its own slots, which it opens and withdraws.
func (Appointment) Policy() ent.Policy {
	return entity.Policy{
		Read:   entity.Grants{admins, providerIn("provider_id"), anyAvailable, to(viewer.Client, everReserved)},
		Create: entity.Grants{admins, providerIn("provider_id")},
		Update: entity.Grants{admins, providerIn("provider_id")},
	}
}

func anyAvailable(ctx context.Context, _ viewer.Viewer) entity.Rows {
	return entity.Where(func(s *sql.Selector) *sql.Predicate { return at(ctx, s, available) })
}

func everReserved(_ context.Context, s *sql.Selector, v viewer.Viewer) *sql.Predicate {
	return reservedBy(s, v, "clients", "appointment_id", "client_id", nil)
}

// Annotations of the Appointment.
func (Appointment) Annotations() []entschema.Annotation {
	return []entschema.Annotation{
		entschema.Comment("One bookable slot of a provider."),
		entity.Mutations(),
		entity.Views(
			entity.View{Name: "available", Comment: "Open slots that may be reserved now: nobody has them, and they start late enough."},
			entity.View{Name: "confirmed", Comment: "Slots with a confirmed reservation."},
			entity.View{Name: "reserved", Comment: "Slots that someone holds or has confirmed."},
		),
		entsql.Checks(map[string]string{
			"appointment_start_before_end": "time_slot < ends_at",
			"appointment_known_status":     "status = 'OPEN' OR status = 'CANCELLED'",
		}),
		entity.NoOverlap("provider_id", "time_slot", "ends_at").Where("status", "OPEN").
			Refused("PROVIDER_BUSY", "The range cuts across a slot of this provider that is already open."),
	}
}

// AppointmentAvailable chooses the appointments that could be reserved now.
func AppointmentAvailable(ctx context.Context) func(*sql.Selector) {
	return view(ctx, available)
}

func available(s *sql.Selector, m booking.Moment) *sql.Predicate {
	return sql.And(
		sql.EQ(s.C("status"), "OPEN"),
		sql.GTE(s.C("time_slot"), m.Rules.EarliestStart(m.Now)),
		sql.Not(hasReservation(s, func(r *sql.SelectTable) *sql.Predicate { return live(r, m) })),
	)
}

// AppointmentConfirmed chooses the appointments with a confirmed reservation.
func AppointmentConfirmed(ctx context.Context) func(*sql.Selector) {
	return view(ctx, func(s *sql.Selector, _ booking.Moment) *sql.Predicate { return hasReservation(s, confirmed) })
}

// AppointmentReserved chooses the appointments that someone has now.
func AppointmentReserved(ctx context.Context) func(*sql.Selector) {
	return view(ctx, func(s *sql.Selector, m booking.Moment) *sql.Predicate {
		return hasReservation(s, func(r *sql.SelectTable) *sql.Predicate { return live(r, m) })
	})
}

// hasReservation is true of an appointment with a reservation for which match is.
func hasReservation(s *sql.Selector, match func(*sql.SelectTable) *sql.Predicate) *sql.Predicate {
	r := sql.Table("reservations")
	return sql.Exists(sql.Dialect(s.Dialect()).Select(r.C("id")).From(r).Where(sql.And(
		sql.ColumnsEQ(r.C("appointment_id"), s.C("id")), match(r),
	)))
}
