package profiler

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/planner"
)

type operationKey struct{}

// Statement sees a statement, if it is an operation's: see [database.Observer].
func (p *Profiler) Statement(ctx context.Context, text string, args []driver.NamedValue) func(rows int64, err error) {
	o, ok := ctx.Value(operationKey{}).(*operation)
	if !ok {
		return nil
	}
	r, _ := ctx.Value(readingKey{}).(*reading)
	path := names(graphql.GetFieldContext(ctx))
	if r != nil && len(r.common) > len(path) {
		path = r.common
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return nil
	}
	began := p.clock()
	s := o.add(text, args, path, r)
	return func(rows int64, err error) { o.done(s, p.clock().Sub(began), rows, err) }
}

func (o *operation) done(s *statement, took time.Duration, rows int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return
	}
	o.took += took
	if s == nil {
		return
	}
	if s.Took, s.Rows, s.done = took, rows, true; err != nil {
		s.Err = cut(err.Error(), 1000)
		o.weight += len(s.Err)
	}
}

// names is the path of a field without indexes: what is asked for in each row of a
// list is one field of the operation.
func names(fc *graphql.FieldContext) []string {
	if fc == nil {
		return nil
	}
	return namesOf(fc.Path())
}

func namesOf(path ast.Path) (names []string) {
	for _, step := range path {
		if name, ok := step.(ast.PathName); ok {
			names = append(names, string(name))
		}
	}
	return names
}

// reading is what a statement of the planner reads.
type reading struct {
	fields [][]string
	common []string // what all their paths begin with
	rows   []int    // of each field, once they are there
}

type readingKey struct{}

// Reads is what a planner is made with.
func (p *Profiler) Reads() planner.Reading {
	if p == nil {
		return nil
	}
	return p.reading
}

// reading sees which fields a statement reads.
func (p *Profiler) reading(ctx context.Context, fields []ast.Path) (context.Context, func(rows []int)) {
	o, ok := ctx.Value(operationKey{}).(*operation)
	if !ok {
		return ctx, func([]int) {}
	}
	r := &reading{}
	for i, path := range fields {
		r.fields = append(r.fields, namesOf(path))
		if i == 0 {
			r.common = r.fields[0]
		}
		r.common = r.common[:shared(r.common, r.fields[i])]
	}
	return context.WithValue(ctx, readingKey{}, r), func(rows []int) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if !o.ended {
			r.rows = rows
		}
	}
}

// shared is how many of their first names two paths share.
func shared(a, b []string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// cut is a text of at most so many bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// repeated is what makes statements one that is repeated: their text, the field
// that caused them, and their transaction. One that is tried again repeats all of
// its statements, and so does the same mutation under another alias.
type repeated struct {
	text, path string
	tx         int
}

// repeat is a statement that one field sent more than once.
type repeat struct {
	Statements []*statement
	Took       time.Duration
	Distinct   bool // with other arguments each time, or nearly so
}

// Times is how often it was sent.
func (r *repeat) Times() int { return len(r.Statements) }

// repeatsOf finds the statements that are repeated.
func repeatsOf(statements []*statement) map[repeated]*repeat {
	all := map[repeated]*repeat{}
	for _, s := range statements {
		if s.frames() {
			continue
		}
		key := s.key()
		r := all[key]
		if r == nil {
			r = &repeat{}
			all[key] = r
		}
		if len(r.Statements) > 0 && (s.Cut || !slices.EqualFunc(s.Args, r.Statements[0].Args, sameValue)) {
			r.Distinct = true
		}
		r.Statements, r.Took = append(r.Statements, s), r.Took+s.Took
	}
	for key, r := range all {
		if r.Times() < 2 {
			delete(all, key)
		}
	}
	return all
}

func (s *statement) key() repeated { return repeated{s.Text, strings.Join(s.Path, "."), s.tx} }

// sameValue compares values of drivers: numbers, texts, times, bytes, nil.
func sameValue(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && slices.Equal(a, b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	}
	_, bytes := b.([]byte)
	return !bytes && a == b
}

// Repeats is how often the statement was sent that was sent most often for one
// field, each time for other values: what one statement could have read. 0 where
// there is none.
func (o *operation) Repeats() int {
	most := 0
	for _, r := range o.repeats {
		if r.Distinct {
			most = max(most, r.Times())
		}
	}
	return most
}
