package gql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/gql"
	"docket/internal/booking"
	"docket/internal/dbtest"
	"docket/internal/planner"
	"docket/internal/viewer"
)

// TestAnswersEnd checks what bounds the size of an answer besides its rows: a
// field costs wherever a fragment is spread and however often a row is asked for.
func TestAnswersEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		provider := a.provider(t, "Mei", "Tanaka")
		wide := func(n int) string {
			var all strings.Builder
			for i := range n {
				fmt.Fprintf(&all, "a%d: createdAt ", i)
			}
			return all.String()
		}
		lists := func(n int, selection string) string {
			var all strings.Builder
			for i := range n {
				fmt.Fprintf(&all, "l%d: %s ", i, selection)
			}
			return all.String()
		}
		in := func(selection string) string {
			return `{ providers(first: 100) { edges { node { appointments(first: 100) { edges { node ` + selection + ` } } } } } }`
		}
		below := `... on Provider { appointments(first: 500) { edges { node { reservations(first: 10) { edges { node { id } } } } } } }`
		twice := map[string]any{"ids": slices.Repeat([]string{provider}, 500)}
		filter := map[string]any{"or": slices.Repeat([]any{map[string]any{"hasReservations": true}}, 20)}
		for _, test := range []struct {
			name, query string
			vars        map[string]any
			max         float64
		}{
			{"a wide fragment everywhere", `{ ` + lists(20, `clients(first: 1) { edges { node { ...f } } }`) + `} fragment f on Client { ` + wide(150) + `}`, nil, 2000},
			{"many values in many rows", in(`{ id ` + wide(150) + `}`), nil, 300_000},
			{"pageInfo below many rows", in(`{ reservations(first: 0) { pageInfo { ` + lists(150, `hasNextPage`) + `} } }`), nil, 300_000},
			{"the same over and over", `query($ids: [ID!]!) { nodes(ids: $ids) { ` + below + ` } }`, twice, 250_000},
			{"one filter in many lists", `query($w: ClientWhereInput) { ` + lists(100, `clients(where: $w) { totalCount }`) + `}`, map[string]any{"w": filter}, 500},
		} {
			if r := a.run(t, test.query, test.vars); r.code() != "TOO_COMPLEX" || r.Errors[0].Extensions["max"] != test.max {
				t.Errorf("%s: %.300v %.200s", test.name, r.Errors, r.Data)
			}
		}
		a.must(t, nil, `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Provider { lastName appointments(first: 10) { edges { node { id } } } } } }`, twice)
	})
}

// TestVariables gives values in forms that gqlgen lets pass.
func TestVariables(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		a.open(t, a.provider(t, "Mei", "Tanaka"), monday, 3)
		const query = `query($w: AppointmentWhereInput) { appointments(where: $w) { totalCount } }`
		for _, w := range []map[string]any{{"status": "open"}, {"statusIn": []string{"Open"}}, {"statusNEQ": "cancelled"}} {
			if r := a.run(t, query, map[string]any{"w": w}); r.code() != "BAD_USER_INPUT" {
				t.Errorf("%v: %+v %s", w, r.Errors, r.Data)
			}
		}
		for _, w := range []map[string]any{{"status": "OPEN"}, {"statusIn": "OPEN"}, {"versionIn": 1}, {"versionNotIn": []int{2}}} {
			if got := string(a.post(t, query, map[string]any{"w": w})); got != `{"data":{"appointments":{"totalCount":3}}}` {
				t.Errorf("%v: %s", w, got)
			}
		}
		if got := string(a.post(t, `query($v: [Int!]) { appointments(where: {versionIn: $v}) { totalCount } }`, map[string]any{"v": 1})); !strings.Contains(got, "3") {
			t.Errorf("one value for a list: %s", got)
		}
	})
}

// reads is a database that answers as a test says.
type reads func(context.Context) (*sql.Rows, error)

func (f reads) QueryContext(ctx context.Context, _ string, _ ...any) (*sql.Rows, error) {
	return f(ctx)
}

// TestReadsFail checks what a consumer hears when reading goes wrong.
func TestReadsFail(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	with := func(f reads) *api { return serveWith(t, gql.Config{DB: db.ORM(), Reads: f, Dialect: db.Dialect}) }

	a := with(func(ctx context.Context) (*sql.Rows, error) { return db.QueryContext(ctx, "SELECT '0;'") })
	r := a.run(t, `mutation { made: clientCreate(input: {firstName: "A", lastName: "B"}) { it: client { id } } }`, nil)
	if r.code() != "NOT_FOUND" || !slices.Equal(r.Errors[0].Path, []any{"made", "it"}) {
		t.Errorf("what was deleted meanwhile is %+v", r.Errors)
	}
}

// TestLate checks that a request that took too long is told so, whatever the
// driver calls it.
func TestLate(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	late := reads(func(ctx context.Context) (*sql.Rows, error) {
		<-ctx.Done()
		return nil, errors.New("canceling statement due to user request")
	})
	handler, err := gql.NewHandler(gql.Config{
		DB: db.ORM(), Reads: late, Dialect: db.Dialect, Rules: booking.DefaultRules(), Limits: planner.DefaultLimits(), Cursors: cursors(t), Clock: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	w := httptest.NewRecorder()
	viewer.Local().Handler(handler).ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/?query={clients{totalCount}}", nil))
	if !strings.Contains(w.Body.String(), "TIMEOUT") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
