package planner

import (
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
	aliases int
	visible map[*Entity]*visible
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

// nthColumn is the name of a row's place in its page, among the columns of the
// entity, none of which can have such a name.
const nthColumn = "#nth"

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
		if c.list != nil && b.failed[c.list.root] {
			all = append(all, absent(c.part))
			continue
		}
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

// absent stands for what is of a list that is not read.
func absent(p part) expression {
	if p == partRows {
		return text(none)
	}
	return text(end)
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
		column = "CASE WHEN " + column + " IS NOT NULL THEN printf('%!.17g', " + column + ") END"
	}
	return append(all, text(column), text(end))
}

// from selects from the table of an entity, only what the request may see.
func (b *builder) from(e *Entity) (*sql.Selector, string) {
	alias := b.alias("t")
	s := b.table(e, alias)
	b.sees(e).rows.Narrow(s)
	return s, alias
}

// table selects from the table of an entity, whoever asks.
func (b *builder) table(e *Entity, alias string) *sql.Selector {
	return sql.Dialect(b.dialect).Select().From(sql.Table(e.Table).As(alias))
}

func (b *builder) where(s *sql.Selector, alias string, c condition) {
	if c == nil {
		return
	}
	if p := c(b, alias); p != nil {
		s.Where(p)
	}
}

// linked narrows s to the rows that the edge leads to from the row of the alias
// outer.
func (b *builder) linked(s *sql.Selector, alias string, edge *Edge, outer string) {
	l := edge.Link
	if l.Through == "" {
		s.Where(sql.ColumnsEQ(b.column(alias, l.There), b.column(outer, l.Here)))
		return
	}
	between := b.alias("m")
	pairs := sql.Dialect(b.dialect).Select(b.column(between, l.There)).From(sql.Table(l.Through).As(between))
	pairs.Where(sql.ColumnsEQ(b.column(between, l.Here), b.column(outer, "id")))
	if known, limited := b.sees(edge.of).pairs[l]; limited {
		known.Narrow(pairs)
	}
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
