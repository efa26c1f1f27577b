package schema

import (
	"errors"
	"time"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"docket/ent/entity"
)

// ClientProviders is the database view that says which clients have
// reservations with which providers, each pair once.
const ClientProviders = "client_providers"

// Provider is a person who is booked.
type Provider struct{ ent.Schema }

// Mixin of the Provider.
func (Provider) Mixin() []ent.Mixin { return []ent.Mixin{entity.Base{}} }

// Fields of the Provider.
func (Provider) Fields() []ent.Field {
	return append(nameFields(),
		field.String("time_zone").Default("UTC").Validate(validZone).
			Comment("IANA name of the time zone the provider works in, such as Europe/Berlin."),
		subject(),
	)
}

// Edges of the Provider.
func (Provider) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("appointments", Appointment.Type).
			Comment("Every slot the provider ever opened.").
			Annotations(entgql.RelayConnection(), entsql.OnDelete(entsql.Cascade)),
		edge.To("reservations", Reservation.Type).
			Comment("Everything that was ever reserved with the provider.").
			Annotations(entgql.RelayConnection(), entgql.OrderField("RESERVATIONS_COUNT"), entsql.OnDelete(entsql.Cascade)),
		edge.From("clients", Customer.Type).Ref("providers").
			Comment("The clients who have reservations with the provider.").
			Annotations(entgql.RelayConnection(), entgql.Skip(entgql.SkipMutationCreateInput, entgql.SkipMutationUpdateInput)),
	}
}

// Policy of the Provider: everyone may find one.
func (Provider) Policy() ent.Policy {
	return entity.Policy{
		Read:   entity.Grants{everyone},
		Create: entity.Grants{admins},
		Update: entity.Grants{admins, providerIn("id")},
		Delete: entity.Grants{admins},
		Fields: map[string]entity.FieldPolicy{
			"subject": {Read: entity.Grants{admins, providerIn("id")}, Write: entity.Grants{admins}},
		},
		Edges: map[string]entity.Grants{"clients": pairs},
	}
}

// Annotations of the Provider.
func (Provider) Annotations() []entschema.Annotation {
	return []entschema.Annotation{entschema.Comment("A person who is booked."), nameChecks()}
}

func validZone(name string) error {
	// LoadLocation also takes "" and "Local", which mean a machine, not a place.
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return errors.New("must be the IANA name of a time zone, such as Europe/Berlin")
	}
	return nil
}
