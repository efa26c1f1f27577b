package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"docket/ent/entity"
)

// Customer is the Client of the API. Ent keeps the Go name Client for its
// database handle, so only Go says Customer: the table is clients, and every
// consumer sees Client.
type Customer struct{ ent.Schema }

// Mixin of the Customer.
func (Customer) Mixin() []ent.Mixin { return []ent.Mixin{entity.Base{}} }

// Fields of the Customer.
func (Customer) Fields() []ent.Field {
	return append(nameFields(),
		field.String("subject").Optional().Nillable().Unique().
			Comment("The identity provider's name (sub) for the person.").
			Annotations(entgql.Skip(entgql.SkipAll)),
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

// Annotations of the Customer.
func (Customer) Annotations() []entschema.Annotation {
	return []entschema.Annotation{
		entschema.Comment("A person who books."),
		entgql.Type("Client"),
		entsql.Table("clients"),
		nameChecks(),
	}
}
