package planner

import (
	"context"

	"github.com/vektah/gqlparser/v2/ast"
)

// Reading is told which fields a statement reads, before it is sent: the paths of
// rows, lists and connections, without indexes. The statement is sent with the
// context that it returns; what it returns beside is told, once the answer is
// there, how many rows each field has.
type Reading func(ctx context.Context, fields []ast.Path) (context.Context, func(rows []int))

// tell tells whoever wants to know what the statement for the plan reads.
func (r *run) tell(p *plan) (ctx context.Context, answered func()) {
	if r.reading == nil {
		return r.ctx, func() {}
	}
	var fields []ast.Path
	var lists [][]*list // of each field: node has one for each type
	for _, l := range p.lists {
		switch last := len(lists) - 1; {
		case r.failed[l.root] || r.pages[l.index].skip:
		case last >= 0 && lists[last][0].field == l.field && l.origin == byIDs:
			lists[last] = append(lists[last], l)
		default:
			fields, lists = append(fields, l.path), append(lists, []*list{l})
		}
	}
	ctx, told := r.reading(r.ctx, fields)
	return ctx, func() {
		rows := make([]int, len(lists))
		for i, all := range lists {
			for _, l := range all {
				for _, s := range r.found[l.index] {
					rows[i] += min(s.n, r.pages[l.index].size) // not the one that shows that there are more
				}
			}
		}
		told(rows)
	}
}
