package planner

import (
	"errors"
	"strings"
)

// What the database answers is one text, read once from front to back:
//
//	list  = count ";" row…
//	row   = the cells of its plan, in order
//	cell  = value ";"          nothing is NULL
//	      | length ":" bytes   of kinds that are framed; no length is NULL
//	      | list               the rows of a list below the row
//
// statement.go writes the SELECT that makes it.

// maxText is the longest answer: what a database can make of one text.
const maxText = 1 << 30

var errText = errors.New("planner: the database answered with something else than was asked for")

// datum is where the value of a cell is: in the text; for a computed one, in
// what was made; for a list, its rows in the arena.
type datum struct {
	at, end int32 // for a list: its first datum, and how many rows there are
}

var nothing = datum{-1, -1}

func spanOf(at, end int) datum { return datum{int32(at), int32(end)} } //nolint:gosec // maxText bounds both

func (d datum) null() bool { return d.at < 0 }

func (r *run) value(d datum) string {
	if d.null() {
		return ""
	}
	return r.text[d.at:d.end]
}

// rowsOf are the rows of a list in the arena.
type rowsOf struct {
	arena   []datum
	width   int
	n       int
	reverse bool // a page that was read from its end
}

// cells are those of row i.
func (o rowsOf) cells(i int) []datum {
	if o.reverse {
		i = o.n - 1 - i
	}
	at := i * o.width
	return o.arena[at : at+o.width : at+o.width]
}

// rows are all rows that were read of a list.
func (r *run) rows(l *list, cells []datum) rowsOf {
	if l.rows < 0 {
		return rowsOf{}
	}
	d, w := cells[l.rows], l.row.width()
	return rowsOf{arena: r.arena[d.at:], width: w, n: int(d.end)}
}

// page are the rows of a page, in its order. One row more than it has may have
// been read, last, to see that it is there.
func (r *run) page(l *list, cells []datum) rowsOf {
	b := &r.pages[l.index]
	rows := r.rows(l, cells)
	rows.n, rows.reverse = min(rows.n, b.size), b.backward
	return rows
}

// decode finds the cells of all rows in the text.
func (r *run) decode(p *plan) (err error) {
	if len(r.text) > maxText {
		return errText
	}
	for range p.top.width() {
		r.arena = append(r.arena, nothing)
	}
	rest, err := r.row(p.top, 0, 0)
	if err == nil && rest != len(r.text) {
		err = errText
	}
	return err
}

// row finds the cells of a row, whose datums begin at base.
func (r *run) row(row *row, base, at int) (rest int, err error) {
	for i, c := range row.cells {
		d := datum{}
		switch {
		case c.part == partRows:
			d, at, err = r.list(c.list, at)
		case c.part == partColumn && c.field.Kind.framed(), c.part == partKey && r.pages[c.list.index].keyKind().framed():
			d, at, err = r.bytes(at)
		default:
			end := strings.IndexByte(r.text[at:], ';')
			if end < 0 {
				return 0, errText
			}
			if d = nothing; end > 0 {
				d = spanOf(at, at+end)
			}
			at += end + 1
		}
		if err != nil {
			return 0, err
		}
		r.arena[base+i] = d
	}
	return at, nil
}

func (r *run) list(l *list, at int) (datum, int, error) {
	n, at, ok := r.number(at, ';')
	if !ok || n > r.pages[l.index].limit(l) { // nobody asked for so many
		return datum{}, 0, errText
	}
	base, width := len(r.arena), l.row.width()
	for range n * width {
		r.arena = append(r.arena, nothing)
	}
	r.found[l.index] = append(r.found[l.index], span{base, n})
	for i := range n {
		var err error
		if at, err = r.row(l.row, base+i*width, at); err != nil {
			return datum{}, 0, err
		}
	}
	return spanOf(base, n), at, nil
}

func (r *run) bytes(at int) (datum, int, error) {
	if at < len(r.text) && r.text[at] == ':' {
		return nothing, at + 1, nil
	}
	n, at, ok := r.number(at, ':')
	if !ok || at+n > len(r.text) {
		return datum{}, 0, errText
	}
	return spanOf(at, at+n), at + n, nil
}

// number reads a count up to its end.
func (r *run) number(at int, end byte) (n, rest int, ok bool) {
	for ; at < len(r.text) && n < maxText; at++ {
		c := r.text[at]
		switch {
		case c == end:
			return n, at + 1, true
		case c < '0' || c > '9':
			return 0, 0, false
		}
		n = n*10 + int(c-'0')
	}
	return 0, 0, false
}
