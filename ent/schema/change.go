package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"docket/ent/entity"
)

// Change is an entry of the audit trail: what somebody did to one row. Triggers
// write it, so that no writer can leave it out, and refuse to change or to delete
// it (docs/audit.md). It has no entity.Base, whose columns it would not fill.
type Change struct{ ent.Schema }

// Fields of the Change.
func (Change) Fields() []ent.Field {
	unordered := entgql.Skip(entgql.SkipOrderField) // an order is an index, which every write would pay for
	return []ent.Field{
		field.Int("row_id").Immutable().
			Comment("The id of the row, which may be of any type, and gone.").
			Annotations(entgql.Type("ID"), unordered),
		field.Int("version").Immutable().
			Comment("The version that the row has since; of a deleted row, the last that it had.").
			Annotations(unordered),
		field.Time("changed_at").Immutable().
			Comment("When it was done, by the clock of the database."),
		field.Strings("columns").Immutable().
			Comment("The columns of the database that an update gave another value."),
		field.Enum("action").Values("CREATE", "UPDATE", "DELETE").Default("UPDATE").Immutable().
			Comment("What was done to the row.").
			Annotations(unordered),
		field.String("viewer").Optional().Immutable().
			Comment("Who asked for it: the subject of their token. Null where it was not asked of this API."),
		field.String("operation").Optional().Immutable().
			Comment("The field of Mutation that did it. Null where none did.").
			Annotations(unordered),
		field.String("database_user").Optional().Immutable().
			Comment("The user of the database who did it, where the database has users.").
			Annotations(unordered),
	}
}

// Indexes of the Change.
func (Change) Indexes() []ent.Index {
	return []ent.Index{index.Fields("row_id", "version")}
}

// Policy of the Change.
func (Change) Policy() ent.Policy { return entity.Policy{Read: entity.Grants{admins}} }

// Annotations of the Change.
func (Change) Annotations() []entschema.Annotation {
	return []entschema.Annotation{
		entschema.Comment("An entry of the audit trail: what somebody did to one row."),
		entgql.RelayConnection(),
		entgql.QueryField(),
		entity.Mutations(),
	}
}
