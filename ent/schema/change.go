package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"docket/ent/entity"
)

// Change is what one update changed of a row. Triggers write it, so that no
// writer can leave it out (docs/decisions/0018). It is no part of the API.
type Change struct{ ent.Schema }

// Fields of the Change.
func (Change) Fields() []ent.Field {
	return []ent.Field{
		field.Int("row_id").Immutable().Comment("The row; its id tells the type, too."),
		field.Int("version").Immutable().Comment("The version that the update made."),
		field.Time("changed_at").Immutable().Comment("When it was made."),
		field.Strings("columns").Immutable().Comment("The columns that have another value since."),
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
		entschema.Comment("What one update changed of a row."),
		entgql.Skip(entgql.SkipAll),
	}
}
