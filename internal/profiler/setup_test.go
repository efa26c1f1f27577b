package profiler_test

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/gql"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/demo"
	"docket/internal/idempotency"
	"docket/internal/planner"
	"docket/internal/profiler"
	"docket/internal/server"
	"docket/internal/viewer"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// docket is a server with a profiler, on the data of the demo.
type docket struct {
	*httptest.Server
	profiler *profiler.Profiler
	db       *database.DB
}

// each serves on every database.
func each(t *testing.T, test func(t *testing.T, d docket)) {
	t.Helper()
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, serve(t, name, profiler.New(time.Now)))
		})
	}
}

func serve(t testing.TB, dialect string, p *profiler.Profiler) docket {
	t.Helper()
	db, err := database.Open(dbtest.URL(t, dialect), p.Observers()...)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	must(t, demo.Fill(t.Context(), db.ORM(), booking.DefaultRules(), time.Now()))
	cursors, err := planner.NewCursors([]byte("of the tests, for the tests"))
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	api, err := gql.NewHandler(gql.Config{
		DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, Rules: booking.DefaultRules(), Limits: planner.DefaultLimits(), Cursors: cursors,
		Keys: idempotency.Keys{Keep: time.Hour}, Clock: time.Now, Log: log, Introspection: true, Profiler: p,
	})
	must(t, err)
	s := &server.Server{
		API: p.Around(viewer.Local().Handler(api)), Debug: p.Handler(db.DB, db.Dialect), GraphiQL: true,
		Ready: db.PingContext, Timeout: 30 * time.Second, Log: log, Origins: []string{"https://app.example"},
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.Handler())
	if p != nil {
		mux.Handle("/naive", p.Around(naive(t, p, db)))
	}
	served := httptest.NewServer(mux)
	t.Cleanup(served.Close)
	return docket{served, p, db}
}

// naive is an API whose resolvers are as one should not write them: a statement for
// each row. Its
// fields flood and saw have the profiler see statements that are not sent.
func naive(t testing.TB, p *profiler.Profiler, db *database.DB) http.Handler {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: `
		type Query { clients(first: Int = 12): [Client!]!, flood(n: Int!, size: Int!): Int, saw(texts: [String!]!): Int, fails: Int }
		type Client { id: Int!, reservations: Int!, same: Int! }`})
	must(t, err)
	h := handler.New(naiveSchema{schema, p, db})
	h.AddTransport(transport.POST{})
	h.Use(p)
	return h
}

type naiveSchema struct {
	schema   *ast.Schema
	profiler *profiler.Profiler
	db       *database.DB
}

func (s naiveSchema) Schema() *ast.Schema { return s.schema }

func (s naiveSchema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s naiveSchema) Exec(ctx context.Context) graphql.ResponseHandler {
	oc := graphql.GetOperationContext(ctx)
	return graphql.OneShot(&graphql.Response{Data: s.resolve(graphql.WithResponseContext(ctx, graphql.DefaultErrorPresenter, graphql.DefaultRecover), oc)})
}

func (s naiveSchema) resolve(ctx context.Context, oc *graphql.OperationContext) json.RawMessage {
	out := map[string]any{}
	for _, f := range graphql.CollectFields(oc, oc.Operation.SelectionSet, []string{"Query"}) {
		ctx := graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Query", Field: f})
		args := f.ArgumentMap(oc.Variables)
		switch f.Name {
		case "clients":
			out[f.Alias] = s.clients(ctx, oc, f, args["first"])
		case "flood":
			n, size := args["n"].(int64), args["size"].(int64)
			for i := range n {
				text := strings.Repeat("x", int(size)) + fmt.Sprint(i)
				s.profiler.Statement(ctx, text, []driver.NamedValue{{Value: i}})(1, nil)
			}
		case "saw":
			for _, text := range args["texts"].([]any) {
				s.profiler.Statement(ctx, text.(string), nil)(0, nil)
			}
		case "fails":
			_, err := s.db.ExecContext(ctx, "SELECT nothing FROM nowhere")
			out[f.Alias] = err == nil
		}
	}
	text, _ := json.Marshal(out)
	return text
}

func (s naiveSchema) clients(ctx context.Context, oc *graphql.OperationContext, f graphql.CollectedField, first any) (all []any) {
	for i, id := range s.ints(ctx, "SELECT id FROM clients ORDER BY id LIMIT $1", first) {
		row := graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i})
		one := map[string]any{}
		for _, c := range graphql.CollectFields(oc, f.Selections, []string{"Client"}) {
			ctx := graphql.WithFieldContext(row, &graphql.FieldContext{Object: "Client", Field: c})
			switch c.Name {
			case "id":
				one[c.Alias] = id
			case "reservations":
				one[c.Alias] = len(s.ints(ctx, "SELECT id FROM reservations WHERE client_id = $1", id))
			case "same":
				one[c.Alias] = len(s.ints(ctx, "SELECT count(*) FROM providers"))
			}
		}
		all = append(all, one)
	}
	return all
}

func (s naiveSchema) ints(ctx context.Context, query string, args ...any) (all []int) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		graphql.AddError(ctx, err)
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return nil
		}
		all = append(all, n)
	}
	if rows.Err() != nil {
		return nil
	}
	return all
}

// ask sends an operation, and returns the answer.
func (d docket) ask(t testing.TB, path, query string, variables map[string]any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	must(t, err)
	_, answer := d.send(t, http.MethodPost, path, string(body), "Content-Type", "application/json")
	return answer
}

// send sends a request, and returns the status and the body of its answer.
func (d docket) send(t testing.TB, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, d.URL+path, strings.NewReader(body))
	must(t, err)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer.StatusCode, string(text)
}

// page is a page as text: what is in a table is a line for each row, with a bar
// between its cells.
func (d docket) page(t testing.TB, path string) string {
	t.Helper()
	status, body := d.send(t, http.MethodGet, path, "")
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, body)
	}
	_, body, _ = strings.Cut(body, "<main")
	body = regexp.MustCompile(`\s+`).ReplaceAllString(body, " ")
	body = regexp.MustCompile(`</tr>|<summary[^>]*>|<pre[^>]*>|<div class="row field">|</h1>|</h2>|</dl>|</p>`).ReplaceAllString(body, "\n")
	body = regexp.MustCompile(`</t[dh]>|<span class="n">|<dd`).ReplaceAllString(body, "|$0")
	body = html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " "))
	body = regexp.MustCompile(`[ \x{202f}]+`).ReplaceAllString(strings.ReplaceAll(body, "|", " | "), " ")
	return strings.TrimSpace(strings.ReplaceAll(body, "\n ", "\n"))
}

// latest is the number of the latest operation.
func (d docket) latest(t testing.TB) string {
	t.Helper()
	_, body := d.send(t, http.MethodGet, "/debug/requests", "")
	m := regexp.MustCompile(`data-id="(\d+)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no operation is shown: %s", body)
	}
	return m[1]
}

// wants looks for texts, in this order.
func wants(t *testing.T, text string, all ...string) {
	t.Helper()
	rest := text
	for _, want := range all {
		i := regexp.MustCompile(want).FindStringIndex(rest)
		if i == nil {
			t.Errorf("no %q in what follows of:\n%s\nwhich is:\n%s", want, text, rest)
			return
		}
		rest = rest[i[1]:]
	}
}
