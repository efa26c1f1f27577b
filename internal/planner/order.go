package planner

import (
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
)

// keyColumn is the name of what a page is ordered by, as [nthColumn] is one.
const keyColumn = "#key"

// key is what the rows of a page are ordered by, before their id.
type key struct {
	write    expression // nil: ordered by id alone
	id       string
	nullable bool
	derived  bool // it is no column: the page has to name it to order by it
}

// fenced makes a page of rows that are few among all: s finds them, and only then
// they are put in order. Without the fence, a database that does not know how few
// they are walks along the order, past all others, until the page is full.
func (b *builder) fenced(s *sql.Selector, k key) (*sql.Selector, key) {
	s.AppendSelectExprAs(sql.Raw(k.id), "id")
	if k.write != nil {
		s.AppendSelectExprAs(sql.ExprFunc(k.write), keyColumn)
	}
	if s.Offset(0); b.dialect == dialect.SQLite {
		s.Limit(-1) // has no offset without a limit
	}
	alias := b.alias("f")
	ordered := key{id: b.column(alias, "id"), nullable: k.nullable}
	if k.write != nil {
		ordered.write = text(b.column(alias, keyColumn))
	}
	return sql.Dialect(b.dialect).Select("*").From(s.As(alias)), ordered
}

// key makes the key of a page of s. A related row that it is taken from is
// joined to s; one that is not there, or not to be seen, has no value.
func (b *builder) key(s *sql.Selector, alias string, e *Entity, o *Order, rare bool) key {
	k := key{id: b.column(alias, "id")}
	switch {
	case o == nil:
	case o.Edge == "":
		var guarded bool
		k.write, guarded = b.shown(e, alias, o.Column)
		k.nullable = guarded || o.Nullable
	case o.Column == "":
		k.derived = true
		k.write = b.related(alias, e.edge(o.Edge), func(string) expression { return text("count(*)") })
	case rare: // a join would be made for as many rows as the database expects
		k.derived, k.nullable = true, true // it may lead to a row that is not to be seen
		k.write = b.related(alias, e.edge(o.Edge), func(inner string) expression {
			value, _ := b.shown(b.entities[e.edge(o.Edge).To], inner, o.Column)
			return value
		})
	default:
		k.nullable = b.join(s, alias, e.edge(o.Edge), o, &k)
	}
	return k
}

// related selects something of the rows that the edge leads to.
func (b *builder) related(alias string, edge *Edge, what func(inner string) expression) expression {
	return func(sb *sql.Builder) {
		s, inner := b.from(b.entities[edge.To])
		b.linked(s, inner, edge, alias)
		s.SelectExpr(sql.ExprFunc(what(inner)))
		sb.Wrap(func(sb *sql.Builder) { sb.Join(s) })
	}
}

// join joins the row that the edge leads to, for its column in the order.
func (b *builder) join(s *sql.Selector, alias string, edge *Edge, o *Order, k *key) (nullable bool) {
	to := b.entities[edge.To]
	joined := b.alias("j")
	var table sql.TableView = sql.Table(to.Table).As(joined)
	nullable = o.Nullable
	if _, guarded := b.sees(to).fields[o.Column]; guarded || !b.sees(to).rows.All() {
		seen, inner := b.from(to)
		seen.Select(b.column(inner, edge.Link.There))
		b.show(seen, to, inner, o.Column)
		table, nullable = seen.As(joined), true
	}
	if nullable {
		s.LeftJoin(table)
	} else {
		s.Join(table)
	}
	s.On(b.column(alias, edge.Link.Here), b.column(joined, edge.Link.There))
	k.write = text(b.column(joined, o.Column))
	return nullable
}

// ordered orders a page and names its key. Rows without a value come last in
// ascending order, first in descending order.
func (b *builder) ordered(s *sql.Selector, k key, desc, named bool) {
	direction := ""
	if desc {
		direction = " DESC"
	}
	if k.write != nil {
		if named || k.derived {
			s.AppendSelectExprAs(sql.ExprFunc(k.write), keyColumn)
		}
		s.OrderExpr(sql.ExprFunc(func(sb *sql.Builder) {
			if k.derived {
				sb.Ident(keyColumn)
			} else {
				k.write(sb)
			}
			sb.WriteString(direction)
			switch { // what PostgreSQL does anyway
			case b.dialect == dialect.Postgres || !k.nullable:
			case desc:
				sb.WriteString(" NULLS FIRST")
			default:
				sb.WriteString(" NULLS LAST")
			}
		}))
	}
	s.OrderExpr(sql.Raw(k.id + direction))
}

// past holds for rows whose place in the order is beyond the cursor's: later in
// ascending order, earlier with desc; with at, also for the row of the cursor.
func (b *builder) past(k key, c *position, desc, at bool) *sql.Predicate {
	op := " > "
	if desc {
		op = " < "
	}
	last := op // for the id, which decides among equals
	if at {
		last = op[:2] + "= "
	}
	return sql.P(func(s *sql.Builder) {
		byID := func() { s.WriteString(k.id + last).Arg(c.id) }
		is := func(what string) { k.write(s); s.WriteString(what) }
		switch {
		case k.write == nil:
			byID()
		case !k.nullable: // one comparison, which one index serves
			s.WriteString("(")
			is(", " + k.id + ")" + last + "(")
			s.Arg(c.key).WriteString(", ").Arg(c.id).WriteString(")")
		case c.null && !desc:
			s.WriteString("(")
			is(" IS NULL AND ")
			byID()
			s.WriteString(")")
		case c.null:
			s.WriteString("(")
			is(" IS NOT NULL OR ")
			byID()
			s.WriteString(")")
		default:
			s.WriteString("(")
			is(op)
			s.Arg(c.key).WriteString(" OR ")
			is(" = ")
			s.Arg(c.key).WriteString(" AND ")
			byID()
			if !desc { // nothing is greater than no value
				s.WriteString(" OR ")
				is(" IS NULL")
			}
			s.WriteString(")")
		}
	})
}
