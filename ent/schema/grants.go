package schema

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"docket/ent/entity"
	"docket/internal/viewer"
)

// What policies give, and to whom. Roles are those of the viewer's token; which
// client or provider they are, the subject of that row says, in the statement
// itself: a row is never shown to who had it a moment ago.

// everyone is given all rows, whoever they are.
func everyone(context.Context, viewer.Viewer) entity.Rows { return entity.All() }

// admins are given all rows.
func admins(_ context.Context, v viewer.Viewer) entity.Rows {
	if v.Is(viewer.Admin) {
		return entity.All()
	}
	return entity.Rows{}
}

// clientIn gives clients the rows whose column leads to their own.
func clientIn(column string) entity.Grant { return ownIn(viewer.Client, "clients", column) }

// providerIn gives providers the rows whose column leads to their own.
func providerIn(column string) entity.Grant { return ownIn(viewer.Provider, "providers", column) }

func ownIn(r viewer.Role, table, column string) entity.Grant {
	return to(r, func(_ context.Context, s *sql.Selector, v viewer.Viewer) *sql.Predicate {
		return own(s, table, s.C(column), v)
	})
}

// to gives those with the role the rows for which a predicate holds.
func to(r viewer.Role, where func(context.Context, *sql.Selector, viewer.Viewer) *sql.Predicate) entity.Grant {
	return func(ctx context.Context, v viewer.Viewer) entity.Rows {
		if !v.Is(r) || v.Anonymous() {
			return entity.Rows{}
		}
		return entity.Where(func(s *sql.Selector) *sql.Predicate { return where(ctx, s, v) })
	}
}

// own holds where a column leads to the row of the table that is the viewer's.
func own(s *sql.Selector, table, column string, v viewer.Viewer) *sql.Predicate {
	t := sql.Table(table).As("own")
	mine := sql.Dialect(s.Dialect()).Select(t.C("id")).From(t).Where(sql.EQ(t.C("subject"), v.Subject))
	return sql.P(func(b *sql.Builder) {
		b.Ident(column).WriteString(" = ").Wrap(func(b *sql.Builder) { b.Join(mine) })
	})
}

// reservedBy holds where the viewer's row of the table has a reservation that
// leads here by the column. with, if any, says which of them count. They are few,
// and found once: asked of each row whether it has one, databases look through
// all reservations.
func reservedBy(s *sql.Selector, v viewer.Viewer, table, column, by string, with func(*sql.SelectTable) *sql.Predicate) *sql.Predicate {
	r := sql.Table("reservations").As("mine")
	match := []*sql.Predicate{own(s, table, r.C(by), v)}
	if with != nil {
		match = append(match, with(r))
	}
	return sql.In(s.C("id"), sql.Dialect(s.Dialect()).Select(r.C(column)).From(r).Where(sql.And(match...)))
}

// ViewersClient chooses the client that the viewer is.
func ViewersClient(ctx context.Context) func(*sql.Selector) { return viewersIn(ctx, "clients") }

// ViewersProvider chooses the provider that the viewer is.
func ViewersProvider(ctx context.Context) func(*sql.Selector) { return viewersIn(ctx, "providers") }

func viewersIn(ctx context.Context, table string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		if v, _ := viewer.FromContext(ctx); !v.Anonymous() {
			s.Where(own(s, table, s.C("id"), v))
		} else {
			s.Where(sql.False())
		}
	}
}
