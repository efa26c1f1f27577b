package planner

import (
	"strconv"

	"entgo.io/ent/dialect/sql"
)

// list are the rows of a list, below a row that goes by the alias outer.
func (b *builder) list(l *list, outer string) expression {
	return func(s *sql.Builder) {
		if b.pages[l.index].skip {
			s.WriteString(none)
			return
		}
		page := b.page(l, outer)
		if page == nil { // at most one row, found by a key, as it is stored
			b.single(s, l, outer)
			return
		}
		alias, only := b.alias("p"), ""
		if l.more && l.row.nested() {
			// The row that only shows that there are more needs nothing below it.
			page = b.numbered(page)
			only = b.column(alias, nthColumn) + " <= " + strconv.Itoa(b.pages[l.index].size)
		}
		all := b.cells(l.row, alias, only)
		s.Wrap(func(s *sql.Builder) {
			s.WriteString("SELECT concat(count(*), " + end)
			if len(all) > 0 {
				s.WriteString(", string_agg(")
				b.concat(s, all)
				s.WriteString(", '')")
			}
			s.WriteString(") FROM ")
			s.Wrap(func(s *sql.Builder) { s.Join(page) })
			s.WriteString(" AS ").Ident(alias)
		})
	}
}

// single is a list with at most one row and no order.
func (b *builder) single(s *sql.Builder, l *list, outer string) {
	inner, alias := b.listed(l)
	b.matching(inner, alias, l, outer)
	all := append([]expression{text("'1;'")}, b.cells(l.row, alias, "")...)
	inner.SelectExpr(sql.ExprFunc(func(s *sql.Builder) { b.concat(s, all) }))
	s.WriteString("coalesce(")
	s.Wrap(func(s *sql.Builder) { s.Join(inner) })
	s.WriteString(", " + none + ")")
}

// page selects the rows of a list, in their order; nil where no order is needed.
func (b *builder) page(l *list, outer string) *sql.Selector {
	p := &b.pages[l.index]
	one := l.origin == byID || l.origin == byWhere || l.origin == byEdge && !l.edge.Few || l.origin == bySource && len(p.ids) == 1
	if one && b.bare(l) {
		return nil
	}
	s, alias := b.listed(l)
	for _, column := range l.row.needs(l.entity) {
		if !l.rare || column != "id" { // which the fence names itself
			b.show(s, l.entity, alias, column)
		}
	}
	k := b.key(s, alias, l.entity, p.order, l.rare)
	b.matching(s, alias, l, outer)
	if p.after != nil {
		s.Where(b.past(k, p.after, p.desc, false))
	}
	if p.before != nil {
		s.Where(b.past(k, p.before, !p.desc, false))
	}
	named := l.key >= 0
	if l.rare {
		s, k = b.fenced(s, k)
		named = false // it is already
	}
	b.ordered(s, k, p.desc != p.backward, named)
	return s.Limit(p.limit(l))
}

// numbered adds to the rows of a page their places in it.
func (b *builder) numbered(page *sql.Selector) *sql.Selector {
	alias := b.alias("n")
	return sql.Dialect(b.dialect).Select("*").AppendSelectExprAs(sql.Raw("row_number() OVER ()"), nthColumn).From(page.As(alias))
}

// total counts the rows of a list, on all of its pages.
func (b *builder) total(l *list, outer string) expression {
	return func(s *sql.Builder) {
		counted, alias := b.listed(l)
		b.matching(counted, alias, l, outer)
		counted.SelectExpr(sql.Raw("count(*)"))
		s.Wrap(func(s *sql.Builder) { s.Join(counted) })
	}
}

// beyond is whether a list has rows at its cursor and further away, on the side
// that the cursor cuts off.
func (b *builder) beyond(l *list, outer string, after bool) expression {
	p := &b.pages[l.index]
	cursor, desc := p.after, !p.desc
	if after {
		cursor, desc = p.before, p.desc
	}
	if cursor == nil {
		return text("false")
	}
	return func(s *sql.Builder) {
		found, alias := b.listed(l)
		k := b.key(found, alias, l.entity, p.order, l.rare)
		b.matching(found, alias, l, outer)
		found.Where(b.past(k, cursor, desc, true))
		found.SelectExpr(sql.Raw("1"))
		s.WriteString("EXISTS ")
		s.Wrap(func(s *sql.Builder) { s.Join(found) })
	}
}

// listed selects from the table of a list, only what the request may see. What its
// view chooses may be that anyway, and is not asked twice.
func (b *builder) listed(l *list) (*sql.Selector, string) {
	if l.where == nil || !b.sees(l.entity).rows.Include(l.where(b.ctx), func() *sql.Selector { return b.table(l.entity, "t") }) {
		return b.from(l.entity)
	}
	alias := b.alias("t")
	return b.table(l.entity, alias), alias
}

// matching narrows s to the rows that belong to a list, on whatever page.
func (b *builder) matching(s *sql.Selector, alias string, l *list, outer string) {
	p := &b.pages[l.index]
	if l.edge != nil {
		b.linked(s, alias, l.edge, outer)
	}
	if p.ids != nil {
		s.Where(sql.In(b.column(alias, "id"), boxed(p.ids)...))
	}
	for _, w := range []Where{l.where, p.where} {
		if w != nil {
			w(b.ctx)(s)
		}
	}
	b.where(s, alias, p.filter)
}
