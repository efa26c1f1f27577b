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
)

// Reservation is a client's claim on an appointment: held, then confirmed.
type Reservation struct{ ent.Schema }

// Mixin of the Reservation.
func (Reservation) Mixin() []ent.Mixin { return []ent.Mixin{entity.Base{}} }

// Fields of the Reservation.
//
// provider_id, time_slot and ends_at repeat the appointment's, so that one row
// tells whether a client would be in two places; a foreign key keeps them true.
// The claim lasts over [active_from, active_until), without end once confirmed.
func (Reservation) Fields() []ent.Field {
	hidden := entgql.Skip(entgql.SkipAll)
	noType := entgql.Skip(entgql.SkipType)
	return []ent.Field{
		field.Int("client_id").Immutable().Comment("Who reserved.").Annotations(noType),
		field.Int("appointment_id").Comment("The slot that is reserved.").Annotations(noType),
		field.Int("provider_id").Comment("With whom.").Annotations(noType),
		field.Time("time_slot").Comment("When the reserved slot starts."),
		field.Time("ends_at").Comment("When the reserved slot ends."),
		field.Enum("state").Values("HELD", "CONFIRMED", "CANCELLED").Default("HELD").
			Comment("Where it stands, but for the clock: a hold past its expiry has expired.").Annotations(hidden),
		field.Time("expiry").Immutable().
			Comment("When the hold ends, unless it is confirmed before."),
		field.Time("active_from").Comment("Since when it keeps this slot from others.").Annotations(hidden),
		field.Time("active_until").Optional().Nillable().
			Comment("Until when it keeps the slot from others.").Annotations(hidden),
		field.Time("confirmed_at").Optional().Nillable().Comment("When it was confirmed."),
		field.Time("cancelled_at").Optional().Nillable().Comment("When it was cancelled."),
	}
}

// Edges of the Reservation.
func (Reservation) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("client", Customer.Type).Ref("reservations").Field("client_id").
			Unique().Required().Immutable().Comment("Who reserved.").
			Annotations(entgql.OrderField("CLIENT_LAST_NAME")),
		edge.From("appointment", Appointment.Type).Ref("reservations").Field("appointment_id").
			Unique().Required().Comment("The slot that is reserved."),
		edge.From("provider", Provider.Type).Ref("reservations").Field("provider_id").
			Unique().Required().Comment("With whom: the appointment's provider."),
	}
}

// Indexes of the Reservation.
func (Reservation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("appointment_id", "state"),
		index.Fields("client_id", "time_slot"),
		index.Fields("provider_id", "time_slot"),
		index.Fields("state", "id"),     // confirmedReservations, expiredReservations
		index.Fields("state", "expiry"), // activeReservations
	}
}

// Policy of the Reservation: it is the client's, who moves it, and the provider
// sees it.
func (Reservation) Policy() ent.Policy {
	return entity.Policy{
		Read:   entity.Grants{admins, clientIn("client_id"), providerIn("provider_id")},
		Create: entity.Grants{admins, clientIn("client_id")},
		Update: entity.Grants{admins, clientIn("client_id")},
	}
}

// Annotations of the Reservation.
func (Reservation) Annotations() []entschema.Annotation {
	return []entschema.Annotation{
		entschema.Comment("A client's claim on an appointment: held for a while, then confirmed."),
		entity.Mutations(),
		entity.Views(
			entity.View{Name: "active", Comment: "Holds that have not ended yet.", Rare: true},
			entity.View{Name: "confirmed", Comment: "Confirmed reservations."},
			entity.View{Name: "expired", Comment: "Holds that ended before they were confirmed."},
		),
		entsql.Checks(map[string]string{
			"reservation_active_span":      "active_until IS NULL OR active_until >= active_from",
			"reservation_held_till_expiry": "state <> 'HELD' OR active_until = expiry",
			"reservation_confirmed_stays":  "state <> 'CONFIRMED' AND active_until IS NOT NULL OR state = 'CONFIRMED' AND active_until IS NULL",
			"reservation_known_state":      "state = 'HELD' OR state = 'CONFIRMED' OR state = 'CANCELLED'",
		}),
		entity.CopiesOf("appointment", "provider_id", "time_slot", "ends_at"),
		entity.NoOverlap("appointment_id", "active_from", "active_until").Named("reservations_slot_taken").
			Refused("SLOT_TAKEN", "The appointment is taken; choose another."),
		entity.NoOverlap("client_id", "time_slot", "ends_at").And("active_from", "active_until").Named("reservations_client_busy").
			Refused("CLIENT_BUSY", "The client has another reservation at that time."),
	}
}

// ReservationActive chooses the holds that have not ended.
func ReservationActive(ctx context.Context) func(*sql.Selector) {
	return view(ctx, func(s *sql.Selector, m booking.Moment) *sql.Predicate {
		return sql.And(sql.EQ(s.C("state"), string(booking.Held)), sql.GT(s.C("expiry"), m.Now))
	})
}

// ReservationConfirmed chooses the confirmed reservations.
func ReservationConfirmed(ctx context.Context) func(*sql.Selector) {
	return view(ctx, func(s *sql.Selector, _ booking.Moment) *sql.Predicate {
		return sql.EQ(s.C("state"), string(booking.Confirmed))
	})
}

// ReservationExpired chooses the holds that ended unconfirmed.
func ReservationExpired(ctx context.Context) func(*sql.Selector) {
	return view(ctx, func(s *sql.Selector, m booking.Moment) *sql.Predicate {
		return sql.And(sql.EQ(s.C("state"), string(booking.Held)), sql.LTE(s.C("expiry"), m.Now))
	})
}

func confirmed(r *sql.SelectTable) *sql.Predicate {
	return sql.EQ(r.C("state"), string(booking.Confirmed))
}

// live is true of a reservation that keeps its slot from others.
func live(r *sql.SelectTable, m booking.Moment) *sql.Predicate {
	return sql.Or(confirmed(r), sql.And(sql.EQ(r.C("state"), string(booking.Held)), sql.GT(r.C("expiry"), m.Now)))
}
