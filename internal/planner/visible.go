package planner

import (
	"entgo.io/ent/dialect/sql"

	"docket/ent/entity"
)

// visible is what the viewer of a request may see of an entity.
type visible struct {
	rows   entity.Rows
	fields map[string]entity.Rows // of which rows, by column; of all where it is missing
	pairs  map[Link]entity.Rows   // of edges through a table between, and of views of them
}

// sees is what the viewer of the request may see of the entity.
func (b *builder) sees(e *Entity) *visible {
	if v := b.visible[e]; v != nil {
		return v
	}
	v := &visible{rows: e.Policy.Read.To(b.ctx), fields: map[string]entity.Rows{}, pairs: map[Link]entity.Rows{}}
	for column, f := range e.Policy.Fields {
		if rows := f.Read.To(b.ctx); f.Read != nil && !rows.All() {
			v.fields[column] = rows
		}
	}
	for name, grants := range e.Policy.Edges {
		if rows := grants.To(b.ctx); !rows.All() {
			v.pairs[e.edge(name).Link] = rows
		}
	}
	if b.visible == nil {
		b.visible = map[*Entity]*visible{}
	}
	b.visible[e] = v
	return v
}

// guard holds for the rows of which the viewer may see the column; nil for all.
func (b *builder) guard(e *Entity, alias, column string) *sql.Predicate {
	rows, guarded := b.sees(e).fields[column]
	if !guarded {
		return nil
	}
	return rows.Predicate(b.table(e, alias))
}

// shown is a column as the viewer may see it: null where they may not.
func (b *builder) shown(e *Entity, alias, column string) (value expression, guarded bool) {
	plain := text(b.column(alias, column))
	if _, guarded := b.sees(e).fields[column]; !guarded {
		return plain, false
	}
	return func(s *sql.Builder) {
		s.WriteString("CASE WHEN ").Join(b.guard(e, alias, column)).WriteString(" THEN ")
		plain(s)
		s.WriteString(" END")
	}, true
}

// show has s select a column as the viewer may see it.
func (b *builder) show(s *sql.Selector, e *Entity, alias, column string) {
	if value, guarded := b.shown(e, alias, column); guarded {
		s.AppendSelectExprAs(sql.ExprFunc(value), column)
		return
	}
	s.AppendSelect(b.column(alias, column))
}

// bare reports whether the rows of a list can be read as they are stored.
func (b *builder) bare(l *list) bool {
	fields := b.sees(l.entity).fields
	for _, column := range l.row.needs(l.entity) {
		if _, guarded := fields[column]; guarded {
			return false
		}
	}
	return true
}
