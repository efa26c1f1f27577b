// Package entity is what a schema can say beyond ent: the base every entity
// shares, and the annotations docket's generator and migrations read. It
// imports nothing generated.
package entity

import (
	"context"
	"time"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"

	"docket/internal/booking"
)

// Base makes an entity a Relay node with a connection at the root, filters,
// ordering and, unless its [Mutations] say otherwise, mutations.
type Base struct{ mixin.Schema }

// Fields of every entity. Nobody sets them: the hook below does.
func (Base) Fields() []ent.Field {
	readOnly := entgql.Skip(entgql.SkipMutationCreateInput, entgql.SkipMutationUpdateInput)
	return []ent.Field{
		field.Time("created_at").Immutable().Annotations(readOnly).
			Comment("When the row was created."),
		field.Time("updated_at").Annotations(readOnly).
			Comment("When the row last changed."),
		field.Int("version").Default(1).Positive().Annotations(readOnly).
			Comment("Counts the changes of the row, from 1."),
	}
}

// Annotations of every entity.
func (Base) Annotations() []entschema.Annotation {
	return []entschema.Annotation{entgql.RelayConnection(), entgql.QueryField()}
}

// Hooks of every entity.
func (Base) Hooks() []ent.Hook { return []ent.Hook{stamp, instants} }

// stamp counts versions and dates rows with the moment of the request.
func stamp(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		if m.Op().Is(ent.OpDelete | ent.OpDeleteOne) {
			return next.Mutate(ctx, m)
		}
		moment, err := booking.FromContext(ctx)
		if err != nil {
			return nil, err
		}
		dated := []string{"updated_at"}
		if m.Op().Is(ent.OpCreate) {
			dated = append(dated, "created_at")
		} else if err := m.AddField("version", 1); err != nil {
			return nil, err
		}
		for _, name := range dated {
			if _, set := m.Field(name); set {
				continue
			}
			if err := m.SetField(name, moment.Now); err != nil {
				return nil, err
			}
		}
		return next.Mutate(ctx, m)
	})
}

// instants rounds every time that is written, so that what is compared later
// is what was written.
func instants(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		for _, name := range m.Fields() {
			v, _ := m.Field(name)
			if t, ok := v.(time.Time); ok {
				if err := m.SetField(name, booking.Instant(t)); err != nil {
					return nil, err
				}
			}
		}
		return next.Mutate(ctx, m)
	})
}
