package naive_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"docket/internal/naive"
	"docket/internal/viewer"
)

// TestSeen asks as many different viewers: each must be answered, byte by byte, as
// if there were nothing else than what they may see. No filter, order, total, page
// or edge can then tell of what is hidden: it would be answered differently.
func TestSeen(t *testing.T) {
	t.Parallel()
	each := max(*ops/10, 1)
	for i := range max(1, *ops/perWorld) {
		seed := *seed + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := build(t, seed)
			seen := map[string]*world{}
			for name, v := range w.viewers() {
				if name == "admin" {
					continue // whom all other tests here ask as
				}
				seen[name] = w.as(v)
				seen[name].tour(t) // learns cursors of rows that will be gone, or hidden
			}
			for range 30 {
				w.apply(t, w.data.churn())
			}
			w.load(t)
			for _, name := range slices.Sorted(maps.Keys(seen)) {
				s := seen[name]
				s.naive.See(w.naive, told(s.sides[0].who))
				if t.Run(name, func(t *testing.T) { s.asked(t, seed, each, *ops >= long || slices.Contains(swept, name)) }); t.Failed() {
					return // the others would say it again
				}
			}
		})
	}
}

// swept are those who ask for each filter and each order, unless the run is a long
// one: then all do.
var swept = []string{"anonymous", "client", "provider", "client and provider"}

const long = 1000 // operations

// viewers are those who ask: who has much to see, who has nothing, and who only
// seems to.
func (w *world) viewers() map[string]viewer.Viewer {
	client, provider := w.busiest("Client"), w.busiest("Provider")
	of := func(subject string, roles ...viewer.Role) viewer.Viewer {
		return viewer.Viewer{Subject: subject, Roles: roles}
	}
	return map[string]viewer.Viewer{
		"anonymous":                        {},
		"admin":                            of("admin", viewer.Admin),
		"client":                           of(client[0], viewer.Client),
		"other client":                     of(client[1], viewer.Client),
		"provider":                         of(provider[0], viewer.Provider),
		"other provider":                   of(provider[1], viewer.Provider),
		"client and provider":              of(both, viewer.Client, viewer.Provider),
		"client and provider, as a client": of(both, viewer.Client),
		"client without a row":             of("nobody", viewer.Client, viewer.Provider),
		"client whose row is a provider's": of(provider[0], viewer.Client),
		"provider without the role":        of(provider[0]),
		"admin who is a client":            of(client[0], viewer.Client, viewer.Admin),
	}
}

// busiest are the subjects of the two people of the type with the most
// reservations, of those who have a subject and are not both.
func (w *world) busiest(typ string) (subjects []string) {
	count := map[string]int{}
	for _, p := range w.data.rows[typ] {
		if subject, ok := p["subject"].(string); ok && subject != both {
			count[subject] = 0
			for _, r := range w.data.rows["Reservation"] {
				if r[map[string]string{"Client": "clientID", "Provider": "providerID"}[typ]] == p["id"] {
					count[subject]++
				}
			}
		}
	}
	subjects = slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(a, b))
	})
	return append(subjects, "nobody", "nobody else")[:2]
}

// as is the world as the viewer may see it.
func (w *world) as(v viewer.Viewer) *world {
	seen := &world{schema: w.schema, naive: w.naive.For(told(v)), data: w.data, cursors: map[string]string{}, known: map[string]string{}}
	for _, s := range w.sides {
		s.who = v
		seen.sides = append(seen.sides, s)
	}
	return seen
}

func told(v viewer.Viewer) naive.Viewer {
	p := naive.Viewer{Subject: v.Subject}
	for _, r := range v.Roles {
		p.Roles = append(p.Roles, string(r))
	}
	return p
}

// asked compares answers: each list in each order, each filter, and documents;
// only documents, without a sweep.
func (w *world) asked(t *testing.T, seed uint64, n int, sweep bool) {
	t.Helper()
	if sweep {
		w.views(t)
		w.filters(t, seed)
		w.fields(t)
	}
	w.random(t, seed, n)
	rows := 0
	for _, typ := range types {
		rows += len(w.naive.Data[typ])
	}
	t.Logf("%d operations compared, on %d rows", w.compared, rows)
}

// fields compares all fields of all rows, those that are not to be seen among them:
// of each by itself, in lists, and where an edge leads to one.
func (w *world) fields(t *testing.T) {
	t.Helper()
	for _, typ := range types {
		all := "{" + w.plain(typ)
		for _, f := range w.schema.Types[typ].Fields {
			if slices.Contains(types, f.Type.Name()) {
				all += " " + f.Name + " {" + w.plain(f.Type.Name()) + " }"
			}
		}
		all += " }"
		list := strings.ToLower(typ) + "s"
		queries := []string{fmt.Sprintf("{ %s(first: %d) { edges { node %s } } }", list, maxPage, all)}
		for _, row := range w.data.rows[typ] {
			id := global(typ, int(row["id"].(naive.ID)%(1<<32)))
			queries = append(queries, fmt.Sprintf("{ one: %s(id: %q) %s node(id: %q) { ... on %s %s } }", strings.ToLower(typ), id, all, id, typ, all))
		}
		for _, q := range queries {
			if err := w.compare(request{q, nil}); err != nil {
				t.Fatalf("%s\n%v", q, err)
			}
		}
	}
}

// plain are the fields of a type that lead nowhere.
func (w *world) plain(typ string) (names string) {
	for _, f := range w.schema.Types[typ].Fields {
		if len(w.schema.Types[f.Type.Name()].Fields) == 0 {
			names += " " + f.Name
		}
	}
	return names
}

// TestCursorsOfOthers uses the cursors of an admin as others: a cursor holds what its
// row is ordered by, and whoever can have rows of their own before and after it
// would find that out.
func TestCursorsOfOthers(t *testing.T) {
	t.Parallel()
	w := build(t, *seed)
	viewers := w.viewers()
	admin := w.as(viewers["admin"])
	admin.tour(t)
	delete(viewers, "admin")
	for name, v := range viewers {
		other := w.as(v)
		other.cursors = admin.cursors // which the evaluator of the other never told
		tried := map[string]bool{}
		for _, cursor := range admin.learned {
			scope := strings.Split(cursor, ":")
			order := strings.Join(scope[:4], ":")
			if tried[order] {
				continue // one of each
			}
			tried[order] = true
			q := request{fmt.Sprintf(`{ %ss(orderBy: {field: %s, direction: %s}, after: %q) { totalCount } }`,
				strings.ToLower(scope[1]), scope[2], scope[3], cursor), nil}
			if err := other.compare(q); err != nil {
				t.Fatalf("%s: %s\n%v", name, q.Query, err)
			}
		}
	}
}
