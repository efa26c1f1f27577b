package naive

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// order is what a list is sorted by: a field of the order enum, ID if none, and
// then by id.
type order struct {
	typ, field string
	desc       bool
}

// position is the place of a row in an order. The row may be gone since.
type position struct {
	order
	key any
	id  ID
}

func (o order) compare(a, b position) int {
	c := compare(a.key, b.key)
	if c == 0 {
		c = compare(a.id, b.id)
	}
	if o.desc {
		c = -c
	}
	return c
}

// position finds the place of a row.
func (e *Evaluator) position(row Row, o order) position {
	p := position{order: o, id: row["id"].(ID)}
	switch o.field {
	case "ID":
	case "RESERVATIONS_COUNT":
		p.key = int64(len(e.Data.related(row, "reservations")))
	case "PROVIDER_LAST_NAME":
		p.key = e.Data.related(row, "provider")[0]["lastName"]
	case "CLIENT_LAST_NAME":
		p.key = e.Data.related(row, "client")[0]["lastName"]
	default:
		p.key = row[camel(o.field)]
	}
	return p
}

// cursor writes a position, and remembers it.
func (e *Evaluator) cursor(p position) string {
	direction, key := "ASC", "null"
	if p.desc {
		direction = "DESC"
	}
	switch k := p.key.(type) {
	case nil:
	case time.Time:
		key = k.Format(time.RFC3339Nano)
	case string:
		key = fmt.Sprintf("%+x", k)
	default:
		key = fmt.Sprint(k)
	}
	text := fmt.Sprintf("cursor:%s:%s:%s:%d:%s", p.typ, p.field, direction, p.id, key)
	e.positions[text] = p
	return text
}

// paging are the arguments of a connection.
type paging struct {
	first, last   *int
	after, before *position
	order         order
	where         condition
}

func (e *Evaluator) paging(typ string, args map[string]any) (p paging, err error) {
	count := func(name string) (n *int) {
		if v := args[name]; v != nil {
			i, bad := number(v)
			if n = new(int(i)); bad != nil || i < 0 || i > int64(e.MaxPage) {
				err = fmt.Errorf("%s cannot be %v", name, v)
			}
		}
		return n
	}
	p.order = order{typ: typ, field: "ID"}
	if by, ok := args["orderBy"].(map[string]any); ok {
		p.order.field, p.order.desc = by["field"].(string), by["direction"] == "DESC"
	}
	cursor := func(name string) *position {
		text, ok := args[name].(string)
		if !ok {
			return nil
		}
		at, known := e.positions[text]
		if !known || at.order != p.order {
			err = errors.New(name + " is no cursor of this order")
		}
		return &at
	}
	p.first, p.last, p.after, p.before = count("first"), count("last"), cursor("after"), cursor("before")
	if p.first != nil && p.last != nil {
		err = errors.New("first and last")
	}
	if err != nil {
		return p, err
	}
	p.where, err = e.where(typ, args["where"])
	return p, err
}

// connection is a page of a list.
type connection struct {
	typ   string
	total int
	edges []edge
	info  pageInfo
}

type edge struct {
	row    Row
	cursor string
}

type pageInfo struct {
	hasNext, hasPrevious bool
	start, end           any // a cursor, nil for an empty page
}

// page makes the page of rows that the arguments ask for.
func (e *Evaluator) page(rows []Row, p paging) connection {
	c := connection{typ: p.order.typ}
	type placed struct {
		Row
		at position
	}
	var window []placed
	for _, row := range rows {
		if !p.where(row) {
			continue
		}
		c.total++
		at := e.position(row, p.order)
		before := p.after != nil && p.order.compare(at, *p.after) <= 0
		after := p.before != nil && p.order.compare(at, *p.before) >= 0
		c.info.hasPrevious = c.info.hasPrevious || before
		c.info.hasNext = c.info.hasNext || after
		if !before && !after {
			window = append(window, placed{row, at})
		}
	}
	slices.SortFunc(window, func(a, b placed) int { return p.order.compare(a.at, b.at) })
	first := e.Page
	if p.first != nil {
		first = *p.first
	}
	switch {
	case p.last != nil && len(window) > *p.last:
		window, c.info.hasPrevious = window[len(window)-*p.last:], true
	case p.last == nil && len(window) > first:
		window, c.info.hasNext = window[:first], true
	}
	for _, row := range window {
		c.edges = append(c.edges, edge{row.Row, e.cursor(row.at)})
	}
	if len(window) > 0 {
		c.info.start, c.info.end = c.edges[0].cursor, c.edges[len(c.edges)-1].cursor
	}
	return c
}
