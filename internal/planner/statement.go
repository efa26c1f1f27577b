package planner

import (
	"context"
	"strconv"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
)

// builder makes the statement of an operation. On both databases it is
//
//	SELECT concat(list…)
//	list: (SELECT concat(count(*), ';', string_agg(concat(cell…), '')) FROM (page) AS p)
//	page: SELECT column… FROM table AS t WHERE … ORDER BY … LIMIT n
//
// where a list below a row is a cell of it, and its page refers to p of the row.
// The page has its order and its limit before anything is made of it, so a list
// costs its page; the aggregate sees the rows in the order of the page, as no
// join comes between (PostgreSQL manual, 9.21 Aggregate Functions).
type builder struct {
	*run
	ctx     context.Context
	dialect string
	aliases int
}

// statement is the SELECT for the plan, or "" where it reads nothing.
func (b *builder) statement(p *plan) (string, []any, error) {
	if len(p.top.cells) == 0 {
		return "", nil, nil
	}
	s := &sql.Builder{}
	s.SetDialect(b.dialect)
	s.WriteString("SELECT ")
	b.concat(s, b.cells(p.top, "", ""))
	query, args := s.Query()
	if err := s.Err(); err != nil {
		return "", nil, err
	}
	if len(args) > b.limits.Parameters {
		return "", nil, tooMuch(TooComplex, "", b.limits.Parameters, "The filters of an operation take at most %d values.", b.limits.Parameters)
	}
	return query, args, nil
}

// expression is a part of a statement.
type expression func(*sql.Builder)

// concat writes a call of concat, whose arguments databases limit to 100.
func (b *builder) concat(s *sql.Builder, all []expression) {
	const most = 90
	s.WriteString("concat(")
	for i := 0; i < len(all); {
		if i > 0 {
			s.Comma()
		}
		if len(all) > most {
			n := min(most, len(all)-i)
			b.concat(s, all[i:i+n])
			i += n
			continue
		}
		all[i](s)
		i++
	}
	s.WriteString(")")
}

func text(t string) expression { return func(s *sql.Builder) { s.WriteString(t) } }

const (
	end  = "';'"
	none = "'0;'" // a list without rows
)

// nthColumn is the name of a row's place in its page, among the columns.
const nthColumn = "nth"

// cells are the values of a row, whose columns go by the alias. What is of lists
// below the row is left out where only is not "" and does not hold.
func (b *builder) cells(r *row, alias, only string) []expression {
	var all []expression
	below := func(e expression, otherwise string) {
		if only == "" {
			all = append(all, e)
			return
		}
		all = append(all, func(s *sql.Builder) {
			s.WriteString("CASE WHEN " + only + " THEN ")
			e(s)
			s.WriteString(" ELSE " + otherwise + " END")
		})
	}
	for _, c := range r.cells {
		switch c.part {
		case partColumn:
			all = b.value(all, b.column(alias, c.field.Column), c.field.Kind)
		case partKey:
			if order := b.pages[c.list.index].order; order != nil {
				all = b.value(all, b.column(alias, keyColumn), order.Kind)
			} else {
				all = append(all, text(end))
			}
		case partRows:
			below(b.list(c.list, alias), none)
		case partTotal:
			below(b.total(c.list, alias), "0")
			all = append(all, text(end))
		case partBefore, partAfter:
			below(b.beyond(c.list, alias, c.part == partAfter), "false")
			all = append(all, text(end))
		}
	}
	return all
}

// value frames a value as decode.go reads it. What is NULL, concat leaves out.
func (b *builder) value(all []expression, column string, kind Kind) []expression {
	switch {
	case kind == JSON && b.dialect == dialect.Postgres:
		column += "::text"
		fallthrough
	case kind.framed():
		return append(all, text("octet_length("+column+")"), text("':'"), text(column))
	case kind == Float && b.dialect == dialect.SQLite:
		column = "printf('%!.17g', " + column + ")"
	}
	return append(all, text(column), text(end))
}

// list are the rows of a list, below a row that goes by the alias outer.
func (b *builder) list(l *list, outer string) expression {
	return func(s *sql.Builder) {
		if b.pages[l.index].skip {
			s.WriteString(none)
			return
		}
		page := b.page(l, outer)
		if page == nil { // at most one row, found by a key
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
	inner, alias := b.from(l.entity)
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
	if l.origin == byID || l.origin == byEdge && !l.edge.Few || l.origin == bySource && len(p.ids) == 1 {
		return nil
	}
	s, alias := b.from(l.entity)
	for _, column := range l.row.needs(l.entity) {
		if !l.rare || column != "id" { // which the fence names itself
			s.AppendSelect(b.column(alias, column))
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
		counted, alias := b.from(l.entity)
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
		found, alias := b.from(l.entity)
		k := b.key(found, alias, l.entity, p.order, l.rare)
		b.matching(found, alias, l, outer)
		found.Where(b.past(k, cursor, desc, true))
		found.SelectExpr(sql.Raw("1"))
		s.WriteString("EXISTS ")
		s.Wrap(func(s *sql.Builder) { s.Join(found) })
	}
}

// matching narrows s to the rows that belong to a list, on whatever page.
func (b *builder) matching(s *sql.Selector, alias string, l *list, outer string) {
	p := &b.pages[l.index]
	if l.edge != nil {
		b.linked(s, alias, l.edge.Link, outer)
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

// from selects from the table of an entity, only what the request may see.
func (b *builder) from(e *Entity) (*sql.Selector, string) {
	alias := b.alias("t")
	s := sql.Dialect(b.dialect).Select().From(sql.Table(e.Table).As(alias))
	if b.policy != nil {
		if may := b.policy(b.ctx, e); may != nil {
			may(s)
		}
	}
	return s, alias
}

func (b *builder) where(s *sql.Selector, alias string, c condition) {
	if c == nil {
		return
	}
	if p := c(b, alias); p != nil {
		s.Where(p)
	}
}

// linked narrows s to the rows that belong to the row of the alias outer.
func (b *builder) linked(s *sql.Selector, alias string, l Link, outer string) {
	if l.Through == "" {
		s.Where(sql.ColumnsEQ(b.column(alias, l.There), b.column(outer, l.Here)))
		return
	}
	between := b.alias("m")
	pairs := sql.Dialect(b.dialect).Select(b.column(between, l.There)).From(sql.Table(l.Through).As(between))
	pairs.Where(sql.ColumnsEQ(b.column(between, l.Here), b.column(outer, "id")))
	s.Where(sql.In(b.column(alias, "id"), pairs))
}

func (b *builder) alias(kind string) string {
	b.aliases++
	return kind + strconv.Itoa(b.aliases)
}

// column is the quoted name of a column of an alias.
func (b *builder) column(alias, column string) string {
	if b.dialect == dialect.Postgres {
		return `"` + alias + `"."` + column + `"`
	}
	return "`" + alias + "`.`" + column + "`"
}

// needs are the columns that a page has to select for the cells of its rows.
func (r *row) needs(e *Entity) []string {
	var columns []string
	seen := map[string]bool{}
	add := func(column string) {
		if !seen[column] {
			seen[column] = true
			columns = append(columns, column)
		}
	}
	for _, c := range r.cells {
		switch {
		case c.part == partColumn:
			add(c.field.Column)
		case c.part == partKey:
		case c.list.edge.Link.Through != "":
			add("id")
		default:
			add(c.list.edge.Link.Here)
		}
	}
	if len(columns) == 0 {
		add(e.Fields[0].Column)
	}
	return columns
}
