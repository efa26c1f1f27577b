package planner

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/scalar"
)

// ErrMissing says that a field that cannot be null has nothing to lead to: the
// row was deleted meanwhile.
var ErrMissing = errors.New("planner: what was asked for is not there")

// writer appends a value of the answer, found in the cells of its row. False
// means that there is none, and why is among the errors: where the field may be
// null it is, otherwise its object has no value either (GraphQL specification,
// 6.4.4 Handling Field Errors). What was appended before is then dropped.
type writer interface {
	write(r *run, cells []datum) bool
}

// object writes the entries of an object.
type object struct{ entries []entry }

type entry struct {
	name    ast.PathElement
	key     string // "name":
	nonNull bool
	value   writer
}

func (o *object) add(f *collected, w writer) {
	key := string(scalar.AppendString(nil, f.Alias)) + ":"
	o.entries = append(o.entries, entry{ast.PathName(f.Alias), key, f.Definition.Type.NonNull, w})
}

// lost reports whether an entry that cannot be null has failed, and with it the
// object.
func (o *object) lost(failed []bool) bool {
	for i := range o.entries {
		if failed[i] && o.entries[i].nonNull {
			return true
		}
	}
	return false
}

func (o *object) write(r *run, cells []datum) bool {
	r.out = append(r.out, '{')
	for i := range o.entries {
		e := &o.entries[i]
		if i > 0 {
			r.out = append(r.out, ',')
		}
		r.out = append(r.out, e.key...)
		if !r.at(e.name, e.nonNull, e.value, cells) {
			return false
		}
	}
	r.out = append(r.out, '}')
	return true
}

// at writes the value at one more step of the path, or null in its place.
func (r *run) at(step ast.PathElement, nonNull bool, w writer, cells []datum) bool {
	start := len(r.out)
	r.path = append(r.path, step)
	ok := w.write(r, cells)
	r.path = r.path[:len(r.path)-1]
	if !ok && !nonNull {
		r.out, ok = append(r.out[:start], "null"...), true
	}
	return ok
}

// each writes a list whose entries may be null.
func (r *run) each(n int, cells func(i int) []datum, w writer) {
	r.out = append(r.out, '[')
	for i := range n {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		r.at(ast.PathIndex(i), false, w, cells(i))
	}
	r.out = append(r.out, ']')
}

// attempt is an entry of the answer, unless its arguments are wrong.
type attempt struct {
	entry int
	value writer
}

func (a attempt) write(r *run, cells []datum) bool {
	return !r.failed[a.entry] && a.value.write(r, cells)
}

// constant is written as it is.
type constant string

func (c constant) write(r *run, _ []datum) bool {
	r.out = append(r.out, c...)
	return true
}

// value is the value of a cell.
type value struct {
	cell int
	kind Kind
}

func (v value) write(r *run, cells []datum) bool {
	d := cells[v.cell]
	if d.null() {
		r.out = append(r.out, "null"...)
		return true
	}
	text := r.value(d)
	switch v.kind {
	case Text:
		r.out = scalar.AppendString(r.out, text)
	case JSON:
		var out bytes.Buffer
		if err := json.Compact(&out, []byte(text)); err != nil { // databases space it differently
			return r.fail(err)
		}
		r.out = append(r.out, out.Bytes()...)
	case Enum:
		r.out = append(append(append(r.out, '"'), text...), '"')
	case ID:
		id, err := strconv.Atoi(text)
		if err != nil {
			return r.fail(err)
		}
		r.out = append(scalar.AppendID(append(r.out, '"'), id), '"')
	case Int:
		r.out = append(r.out, text...)
	case Float:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return r.fail(err)
		}
		r.out = strconv.AppendFloat(r.out, f+0, 'g', -1, 64) // -0 is 0, which SQLite makes of it
	case Bool:
		r.out = strconv.AppendBool(r.out, isTrue(text))
	case Time:
		out, err := scalar.AppendStored(append(r.out, '"'), text)
		if err != nil {
			return r.fail(err)
		}
		r.out = append(out, '"')
	}
	return true
}

// isTrue reads a boolean as either database writes it.
func isTrue(text string) bool { return text == "t" || text == "1" }

// computedValue is the value of a computed cell: JSON already.
type computedValue struct {
	row *row
	n   int
}

func (v computedValue) write(r *run, cells []datum) bool {
	d := cells[len(v.row.cells)+v.n]
	r.out = append(r.out, r.made[d.at:d.end]...)
	return true
}

// oneObject is the first row of a list, or null.
type oneObject struct {
	list   *list
	object *object
}

func (o oneObject) write(r *run, cells []datum) bool {
	rows := r.rows(o.list, cells)
	switch {
	case rows.n > 0:
		return o.object.write(r, rows.cells(0))
	case o.list.field.Definition.Type.NonNull:
		return r.fail(ErrMissing)
	}
	r.out = append(r.out, "null"...)
	return true
}

// nodeObjects are rows by their ids, in the order in which they were asked for.
type nodeObjects struct {
	many  bool
	types []nodeType
}

type nodeType struct {
	list   *list
	object *object
	id     int // the cell of its id
}

func (o *nodeObjects) write(r *run, cells []datum) bool {
	found := map[int]node{}
	for i := range o.types {
		t := &o.types[i]
		rows := r.rows(t.list, cells)
		for i := range rows.n {
			row := rows.cells(i)
			id, err := strconv.Atoi(r.value(row[t.id]))
			if err != nil {
				return r.fail(err)
			}
			found[id] = node{t.object, row}
		}
	}
	wanted := r.pages[o.types[0].list.index].wanted
	if !o.many {
		return found[wanted[0]].write(r, nil)
	}
	r.out = append(r.out, '[')
	elem := o.types[0].list.field.Definition.Type.Elem
	for i, id := range wanted {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		if _, ok := found[id]; !ok && elem.NonNull {
			return r.fail(ErrMissing)
		}
		if !r.at(ast.PathIndex(i), elem.NonNull, found[id], nil) {
			return false
		}
	}
	r.out = append(r.out, ']')
	return true
}

// node is one row of some type; the zero node is null.
type node struct {
	object *object
	cells  []datum
}

func (n node) write(r *run, _ []datum) bool {
	if n.object == nil {
		r.out = append(r.out, "null"...)
		return true
	}
	return n.object.write(r, n.cells)
}

// edgeList is the page of a list.
type edgeList struct {
	list *list
	edge object
}

func (e *edgeList) write(r *run, cells []datum) bool {
	page := r.page(e.list, cells)
	r.each(page.n, page.cells, &e.edge)
	return true
}

// cursorOf is the position of a row.
type cursorOf struct{ list *list }

func (c cursorOf) write(r *run, cells []datum) bool {
	r.out = r.appendCursor(append(r.out, '"'), c.list, cells)
	r.out = append(r.out, '"')
	return true
}

// pageCursor is the position of the first or last row of a page, or null.
type pageCursor struct {
	list *list
	last bool
}

func (p pageCursor) write(r *run, cells []datum) bool {
	page := r.page(p.list, cells)
	switch {
	case page.n == 0:
		r.out = append(r.out, "null"...)
		return true
	case p.last:
		return cursorOf{p.list}.write(r, page.cells(page.n-1))
	}
	return cursorOf{p.list}.write(r, page.cells(0))
}

// hasMore reports whether rows follow the page, or come before it: rows that
// its size left out, or rows that are beyond its cursors.
type hasMore struct {
	list    *list
	cell    int
	forward bool
}

func (h hasMore) write(r *run, cells []datum) bool {
	b := &r.pages[h.list.index]
	left := b.backward != h.forward && r.rows(h.list, cells).n > b.size
	r.out = strconv.AppendBool(r.out, left || isTrue(r.value(cells[h.cell])))
	return true
}

// foreign is an entry that somebody else answered; the text is its name.
type foreign string

func (f foreign) write(r *run, _ []datum) bool {
	v := r.others[string(f)]
	r.out = append(r.out, v...)
	return v != nil
}
