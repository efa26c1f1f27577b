package planner

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
)

// run is one request for a plan.
type run struct {
	*Planner
	ctx     context.Context // of the request
	vars    map[string]any
	sources map[string]Source
	others  map[string]json.RawMessage

	conditions int  // of all filters
	cost       Cost // of what is bound

	pages  []page   // by list
	failed []bool   // by entry of the answer: its arguments are wrong
	text   string   // what the database answered
	arena  []datum  // the cells of all rows
	found  [][]span // by list: its rows in the arena, below one row after the other
	made   []byte   // the values of computed cells

	out  []byte
	path ast.Path
	errs []error
}

// span are n rows in the arena.
type span struct{ base, n int }

// arenas are those of requests that are over: their next users need not grow
// them again. One that a rare, huge answer made is left to the collector.
var arenas = sync.Pool{New: func() any { return new([]datum) }}

const keptArena = 1 << 16 // datums

// answer binds, reads and writes a plan.
func (r *run) answer(p *plan) (data []byte, errs []error) {
	arena := arenas.Get().(*[]datum)
	r.arena = (*arena)[:0]
	defer func() {
		if *arena = r.arena; cap(r.arena) <= keptArena {
			arenas.Put(arena)
		}
	}()
	if r.errs = r.bind(p); r.sources == nil { // what a payload costs, was charged before its mutation
		r.chargeQuery()
	}
	if p.root.lost(r.failed) {
		return nil, r.errs
	}
	if err := r.read(p); err != nil {
		return nil, append(r.errs, err)
	}
	r.out = make([]byte, 0, 512+3*len(r.text))
	if !p.root.write(r, r.arena[:p.top.width()]) {
		r.out = nil
	}
	return r.out, r.errs
}

// read asks the database and finds the cells of its answer.
func (r *run) read(p *plan) (err error) {
	b := &builder{run: r}
	query, args, err := b.statement(p)
	if err != nil {
		return err
	}
	r.found = make([][]span, len(p.lists))
	if query != "" {
		ctx, answered := r.tell(p)
		if r.text, err = r.ask(ctx, query, args); err != nil {
			return err
		}
		defer answered()
	}
	if err := r.decode(p); err != nil {
		return err
	}
	return r.compute(p)
}

// ask runs the statement, which answers with one text.
func (r *run) ask(ctx context.Context, query string, args []any) (text string, err error) {
	defer func() {
		if err != nil { // which a driver may put in its own words when ctx ended
			err = errors.Join(ctx.Err(), err)
		}
	}()
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return "", errors.Join(rows.Err(), errText)
	}
	if err := rows.Scan(&text); err != nil {
		return "", err
	}
	return text, nil
}

// fail notes why the value at the path is missing.
func (r *run) fail(err error) bool {
	r.errs = append(r.errs, placed(r.path, err))
	return false
}
