package schema

import (
	"context"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/dialect/sql"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"

	"docket/ent/entity"
	"docket/internal/booking"
	"docket/internal/viewer"
)

// Customer is the Client of the API. Ent keeps the Go name Client for its
// database handle, so only Go says Customer: the table is clients, and every
// consumer sees Client.
type Customer struct{ ent.Schema }

// Mixin of the Customer.
func (Customer) Mixin() []ent.Mixin { return []ent.Mixin{entity.Base{}} }

// Fields of the Customer.
func (Customer) Fields() []ent.Field {
	return append(nameFields(entity.Guarded()),
		subject(),
	)
}

// Edges of the Customer.
func (Customer) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("reservations", Reservation.Type).
			Comment("Everything the client ever reserved.").
			Annotations(entgql.RelayConnection(), entsql.OnDelete(entsql.Cascade)),
		edge.To("providers", Provider.Type).
			StorageKey(edge.Table(ClientProviders), edge.Columns("client_id", "provider_id")).
			Comment("The providers the client has reservations with.").
			Annotations(entgql.RelayConnection(), entgql.Skip(entgql.SkipMutationCreateInput, entgql.SkipMutationUpdateInput)),
	}
}

// Policy of the Customer: it is the client's own, and seen by the providers it
// ever had reservations with. Its name is for those whom it booked, or holds a
// slot of.
func (Customer) Policy() ent.Policy {
	name := entity.FieldPolicy{Read: entity.Grants{admins, clientIn("id"), to(viewer.Provider, booked)}}
	return entity.Policy{
		Read:   entity.Grants{admins, clientIn("id"), to(viewer.Provider, everBooked)},
		Create: entity.Grants{admins},
		Update: entity.Grants{admins, clientIn("id")},
		Delete: entity.Grants{admins},
		Fields: map[string]entity.FieldPolicy{
			"first_name": name,
			"last_name":  name,
			"subject":    {Read: entity.Grants{admins, clientIn("id")}, Write: entity.Grants{admins}},
		},
		Edges: map[string]entity.Grants{"providers": pairs},
	}
}

// pairs are those of [ClientProviders] that somebody is one of.
var pairs = entity.Grants{admins, clientIn("client_id"), providerIn("provider_id")}

func everBooked(_ context.Context, s *sql.Selector, v viewer.Viewer) *sql.Predicate {
	return reservedBy(s, v, "providers", "client_id", "provider_id", nil)
}

func booked(ctx context.Context, s *sql.Selector, v viewer.Viewer) *sql.Predicate {
	return at(ctx, s, func(s *sql.Selector, m booking.Moment) *sql.Predicate {
		return reservedBy(s, v, "providers", "client_id", "provider_id", func(r *sql.SelectTable) *sql.Predicate {
			return sql.Or(live(r, m), sql.NotNull(r.C("confirmed_at")))
		})
	})
}

// Annotations of the Customer.
func (Customer) Annotations() []entschema.Annotation {
	return []entschema.Annotation{
		entschema.Comment("A person who books."),
		entgql.Type("Client"),
		entsql.Table("clients"),
		nameChecks(),
	}
}
