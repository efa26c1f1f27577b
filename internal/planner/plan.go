package planner

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// plan is an operation, compiled. Reading it yields one row, whose cells hold
// the lists of the root fields.
type plan struct {
	top     *row
	root    *object
	lists   []*list
	fields  int              // how many are written: a fragment's, wherever it is spread
	foreign ast.SelectionSet // root fields that somebody else answers
}

// row is what is read of each row of a list: cells, in the order in which the
// database writes them. Those that are computed come last.
type row struct {
	entity   *Entity
	cells    []cell
	computed []computedCell
}

// cell is one value of a row.
type cell struct {
	part  part
	field *Field // for partColumn
	list  *list  // for what is of a list below the row
}

type part int

const (
	partColumn part = iota // a column of the row
	partKey                // the value that the row is ordered by
	partRows               // the rows of a list
	partTotal              // how many rows a list has on all its pages
	partBefore             // whether rows come before the first page that the cursors leave
	partAfter              // whether rows come after its end
)

// computedCell is a value that Go makes of others of the row.
type computedCell struct {
	*Computed
	field *ast.Field
	needs []int // the cells of its columns
}

// list is a subquery: rows of an entity, below a row or at the root.
type list struct {
	index  int // in the plan; the request's binding has the same
	root   int // the entry of the answer that it is of
	entity *Entity
	edge   *Edge // from the row above; nil at the root
	where  Where // narrows it, besides the arguments
	rare   bool  // to few rows
	origin origin
	field  *ast.Field
	path   ast.Path // for errors in arguments
	above  *list    // whose rows it is below; nil at the root
	row    *row
	fields int // how many are written for each of its rows
	// Only of a page: the cells it has in the row above, -1 for none.
	rows, total, before, after int
	more                       bool // whether there are more rows than the page takes is asked for
	id, key                    int  // the cells of a row's position; -1 where no cursor is wanted
}

// origin says what chooses the rows of a list besides its edge.
type origin int

const (
	byPage   origin = iota // first, last, after, before, where, orderBy
	byEdge                 // nothing else
	byID                   // the argument id
	byIDs                  // the argument id or ids, of any type
	bySource               // what a mutation says
	byWhere                // its predicate, which holds for at most one row
)

// cellOf returns the cell of a column, new or not.
func (r *row) cellOf(f *Field) int {
	for i, c := range r.cells {
		if c.part == partColumn && c.field == f {
			return i
		}
	}
	return r.add(cell{part: partColumn, field: f})
}

func (r *row) add(c cell) int {
	r.cells = append(r.cells, c)
	return len(r.cells) - 1
}

// nested reports whether lists are read below the row.
func (r *row) nested() bool {
	return slices.ContainsFunc(r.cells, func(c cell) bool { return c.part >= partRows })
}

// width is how many cells a row has, computed ones included.
func (r *row) width() int { return len(r.cells) + len(r.computed) }
