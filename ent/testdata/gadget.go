package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"docket/ent/entity"
)

// Gadget has what no other entity has.
type Gadget struct{ ent.Schema }

// Mixin of the Gadget.
func (Gadget) Mixin() []ent.Mixin { return []ent.Mixin{entity.Base{}} }

// Fields of the Gadget.
func (Gadget) Fields() []ent.Field {
	return []ent.Field{
		field.String("key").Comment("A name that a statement could use itself."),
		field.Int("nth").Comment("Another one."),
		field.Float("ratio").Optional().Nillable().Comment("A number, or none."),
		field.Int8("tiny").Default(0).Comment("A narrow number."),
		field.Bool("on").Default(false).Comment("A reserved word."),
	}
}

// Edges of the Gadget.
func (Gadget) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("children", Gadget.Type).Comment("Those below.").
			From("parent").Unique().Comment("The one above.").Annotations(entgql.OrderField("PARENT_KEY")),
		edge.To("friends", Gadget.Type).Comment("Those on both sides."),
		edge.To("partner", Gadget.Type).Unique().Comment("The other one."),
		edge.To("parts", Part.Type).Comment("What it has.").Annotations(entgql.OrderField("PARTS_COUNT")),
	}
}

// Policy of the Gadget.
func (Gadget) Policy() ent.Policy { return forAdmins() }

// Annotations of the Gadget.
func (Gadget) Annotations() []entschema.Annotation {
	return []entschema.Annotation{entschema.Comment("Something with everything.")}
}

// Part belongs to a Gadget, by an edge without a field.
type Part struct{ ent.Schema }

// Mixin of the Part.
func (Part) Mixin() []ent.Mixin { return []ent.Mixin{entity.Base{}} }

// Fields of the Part.
func (Part) Fields() []ent.Field {
	return []ent.Field{field.String("name").Comment("Its name.")}
}

// Edges of the Part.
func (Part) Edges() []ent.Edge {
	return []ent.Edge{edge.From("gadget", Gadget.Type).Ref("parts").Unique().Comment("What has it.")}
}

// Policy of the Part.
func (Part) Policy() ent.Policy { return forAdmins() }

func forAdmins() entity.Policy {
	all := entity.Grants{admins}
	return entity.Policy{Read: all, Create: all, Update: all, Delete: all}
}

// Annotations of the Part.
func (Part) Annotations() []entschema.Annotation {
	return []entschema.Annotation{entschema.Comment("A part of something.")}
}
