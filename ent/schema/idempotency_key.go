package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"docket/ent/entity"
)

// IdempotencyKey is what came of a mutation that was asked for with a key, for
// those who ask again. It is no part of the API.
type IdempotencyKey struct{ ent.Schema }

// Fields of the IdempotencyKey.
func (IdempotencyKey) Fields() []ent.Field {
	return []ent.Field{
		field.Time("created_at").Comment("When it was done."),
		field.String("asker").Immutable().Comment("Who asked; empty where nobody has to say."),
		field.String("operation").Immutable().Comment("The field of Mutation."),
		field.String("key").Immutable().Comment("The name that the asker gave it."),
		field.String("input").Comment("The SHA-256 of the input, in hexadecimal."),
		field.Ints("result").Comment("The ids of the rows that it led to."),
	}
}

// Indexes of the IdempotencyKey.
func (IdempotencyKey) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("asker", "operation", "key").Unique(),
		index.Fields("created_at"), // those to forget
	}
}

// Policy of the IdempotencyKey: the service keeps them for itself.
func (IdempotencyKey) Policy() ent.Policy { return entity.Policy{} }

// Annotations of the IdempotencyKey.
func (IdempotencyKey) Annotations() []entschema.Annotation {
	return []entschema.Annotation{
		entschema.Comment("What came of a mutation that was asked for with a key."),
		entgql.Skip(entgql.SkipAll),
	}
}
