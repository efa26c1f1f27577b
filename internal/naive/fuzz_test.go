package naive_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/naive"
)

var (
	ops  = flag.Int("ops", 400, "how many random operations to compare")
	seed = flag.Uint64("seed", 1, "the first seed")
)

// perWorld is how many operations are compared on the same data.
const perWorld = 400

// TestRandomOperations compares the answers to random operations on random data:
// both databases with each other and with the evaluator, byte by byte.
func TestRandomOperations(t *testing.T) {
	t.Parallel()
	for i := 0; i*perWorld < *ops; i++ {
		seed := *seed + uint64(i) //nolint:gosec // a few
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random(t, seed, min(perWorld, *ops-i*perWorld))
		})
	}
}

func random(t *testing.T, seed uint64, n int) {
	t.Helper()
	w := prepare(t, seed)
	w.views(t)
	w.filters(t, seed)
	w.random(t, seed, n)
	t.Logf("%d operations compared", w.compared)
}

// random compares n random operations.
func (w *world) random(t *testing.T, seed uint64, n int) {
	t.Helper()
	compared, invalid, refused := 0, 0, 0
	var a *author
	for op := uint64(0); compared < n && !t.Failed(); op++ {
		if op%4 == 0 {
			a = w.author(seed, op)
		} else {
			a.again()
		}
		d := a.document
		switch err := w.compare(d.print()); {
		case err == nil:
			compared++
		case errors.Is(err, naive.ErrInvalid):
			invalid++
		case errors.Is(err, errRefused):
			refused++
		default:
			w.report(t, seed, op, d)
		}
	}
	t.Logf("%d random operations compared; %d more are too complex and %d not valid", compared, refused, invalid)
}

// prepare makes the world of a seed. The cursors it knows are of rows that were
// deleted or moved since, and of those that are there.
func prepare(t testing.TB, seed uint64) *world {
	t.Helper()
	w := build(t, seed)
	w.tour(t)
	for range 30 {
		w.apply(t, w.data.churn())
	}
	w.load(t)
	w.tour(t)
	return w
}

// filters compares each filter of each type with some values.
func (w *world) filters(t *testing.T, seed uint64) {
	t.Helper()
	a := w.author(seed, 1<<32)
	for _, typ := range types {
		for _, f := range w.schema.Types[typ+"WhereInput"].Fields {
			d := &document{}
			for range 12 {
				d.selections = append(d.selections, &selection{
					alias: a.name("a"), name: strings.ToLower(typ) + "s",
					args:       []member{{"where", object{{f.Name, a.operand(typ, f, 2)}}}, {"first", maxPage}},
					selections: []*selection{{name: "edges", selections: []*selection{{name: "node", selections: []*selection{{name: "id"}}}}}},
				})
			}
			if err := w.compare(d.print()); err != nil && !t.Failed() {
				w.report(t, seed, 0, d)
			}
		}
	}
}

// tour learns the cursors of all rows in all orders.
func (w *world) tour(t testing.TB) {
	t.Helper()
	for _, typ := range types {
		w.orders(t, w.schema.Query.Fields.ForName(strings.ToLower(typ)+"s"))
	}
}

// views compares each root connection in each order.
func (w *world) views(t *testing.T) {
	t.Helper()
	for _, f := range w.schema.Query.Fields {
		if f.Arguments.ForName("orderBy") != nil && known(f) {
			w.orders(t, f)
		}
	}
}

// orders compares both ends of a root connection in each order.
func (w *world) orders(t testing.TB, f *ast.FieldDefinition) {
	t.Helper()
	by := w.schema.Types[f.Arguments.ForName("orderBy").Type.Name()].Fields.ForName("field").Type.Name()
	for _, o := range w.schema.Types[by].EnumValues {
		for _, direction := range []string{"ASC", "DESC"} {
			for _, take := range []string{"first", "last"} {
				q := request{fmt.Sprintf(`{ %s(%s: %d, orderBy: {field: %s, direction: %s}) { edges { cursor } } }`,
					f.Name, take, maxPage, o.Name, direction), nil}
				if err := w.compare(q); err != nil {
					t.Fatalf("%s\n%v", q.Query, err)
				}
			}
		}
	}
}

// report makes the smallest document that still fails, and says how.
func (w *world) report(t *testing.T, seed, op uint64, d *document) {
	t.Helper()
	w.shrink(d)
	q := d.print()
	variables, _ := json.Marshal(q.Variables)
	t.Errorf("operation %d\n# seed %d\n# variables %s\n%s\n%v", op, seed, variables, q.Query, w.compare(q))
}
