package naive_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"docket/internal/naive"
)

// TestWalks walks through connections by pages, forwards and backwards, while
// rows come, go and move between the pages. Each page is compared as any other
// answer; and what is there at its place all the time is met once, in its order.
func TestWalks(t *testing.T) {
	t.Parallel()
	n := max(1, *ops/perWorld)
	for i := range n {
		seed := *seed + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := build(t, seed)
			r := rand.New(rand.NewPCG(seed, 1<<32)) //nolint:gosec // a test that can be repeated
			pages := 0
			for range 30 {
				pages += w.walk(t, r)
			}
			t.Logf("%d operations compared, %d of them pages", w.compared, pages)
		})
	}
}

// walk is one walk; it returns the number of its pages.
func (w *world) walk(t *testing.T, r *rand.Rand) (pages int) {
	t.Helper()
	connection, order := w.route(r)
	take, from, forwards := "first", "after", r.IntN(2) == 0
	if !forwards {
		take, from = "last", "before"
	}
	var met, stable []string
	cursor, more := "null", true
	for ; more && pages < 500; pages++ {
		all := w.whole(t, connection, order)
		if pages == 0 {
			stable = all
		}
		stable = slices.DeleteFunc(stable, func(c string) bool { return !slices.Contains(all, c) })
		var p pageOf
		w.ask(t, &p, fmt.Sprintf(`{ %s(%s: %d, %s: %s%s) {
			edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
			connection, take, 1+r.IntN(4), from, cursor, order))
		var page []string
		for _, e := range p.Edges {
			page = append(page, e.Cursor)
		}
		if forwards {
			met = append(met, page...)
			more, cursor = p.PageInfo.HasNextPage, quoted(p.PageInfo.EndCursor)
		} else {
			met = append(page, met...)
			more, cursor = p.PageInfo.HasPreviousPage, quoted(p.PageInfo.StartCursor)
		}
		if len(page) == 0 {
			break // what was to come is gone
		}
		for range r.IntN(4) {
			w.apply(t, w.data.churn())
		}
		w.load(t)
	}
	met = slices.DeleteFunc(met, func(c string) bool { return !slices.Contains(stable, c) })
	if !slices.Equal(met, stable) {
		t.Errorf("%s%s by %s:\nmet  %v\nwant %v", connection, order, take, met, stable)
	}
	return pages
}

// route is a connection and an order to walk it in.
func (w *world) route(r *rand.Rand) (connection, order string) {
	for {
		f := pick(r, w.schema.Query.Fields)
		of := f.Arguments.ForName("orderBy")
		if of == nil || !known(f) {
			continue
		}
		field := pick(r, w.schema.Types[w.schema.Types[of.Type.Name()].Fields.ForName("field").Type.Name()].EnumValues)
		return f.Name, fmt.Sprintf(", orderBy: {field: %s, direction: %s}", field.Name, pick(r, []string{"ASC", "DESC"}))
	}
}

type pageOf struct {
	Edges    []struct{ Cursor string }
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       string
	}
}

// ask compares an operation with one root field and reads the evaluator's answer.
func (w *world) ask(t *testing.T, p *pageOf, query string) {
	t.Helper()
	if err := w.compare(request{query, nil}); err != nil {
		t.Fatalf("%s\n%v", query, err)
	}
	answer, _, _ := w.naive.Answer(query, nil)
	var root map[string]*pageOf
	if err := json.Unmarshal(answer, &root); err != nil {
		t.Fatal(err)
	}
	for _, field := range root {
		*p = *field
	}
}

// whole are the cursors of all rows, which the evaluator tells in one go.
func (w *world) whole(t *testing.T, connection, order string) (all []string) {
	t.Helper()
	e := naive.New(w.schema)
	e.Data, e.Now, e.Notice, e.MaxPage = w.naive.Data, w.naive.Now, w.naive.Notice, 1<<20
	answer, _, err := e.Answer(fmt.Sprintf(`{ all: %s(first: %d%s) { edges { cursor } } }`, connection, e.MaxPage, order), nil)
	if err != nil {
		t.Fatal(err)
	}
	var root struct{ All pageOf }
	if err := json.Unmarshal(answer, &root); err != nil {
		t.Fatal(err)
	}
	for _, e := range root.All.Edges {
		all = append(all, strings.Clone(e.Cursor))
	}
	return all
}
