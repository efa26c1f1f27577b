package gql_test

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// TestHTTP speaks GraphQL over HTTP as other clients than ours do.
func TestHTTP(t *testing.T) {
	t.Parallel()
	a := serve(t, dbtest.Open(t, dialect.SQLite))
	const count = `{"data":{"clients":{"totalCount":0}}}`
	tests := []struct {
		name, method, query, contentType, body string
		status                                 int
		want                                   string
	}{
		{"post", "POST", "", "application/json", `{"query":"{ clients { totalCount } }"}`, 200, count},
		{"get", "GET", "{ clients { totalCount } }", "", "", 200, count},
		{"operation by name", "POST", "", "application/json", `{"query":"query A { clients { totalCount } } query B { nope: clients { totalCount } }","operationName":"A"}`, 200, count},
		{"no mutation by get", "GET", `mutation { clientCreate(input: {firstName: "A", lastName: "B"}) { client { id } } }`, "", "", 405, "GET is for queries only"},
		{"a form", "POST", "", "application/x-www-form-urlencoded", "query=%7B%20clients%20%7B%20totalCount%20%7D%20%7D", 415, "Send a request as application/json"},
		{"no json", "POST", "", "application/json", `{"query"`, 400, "This is not a GraphQL request"},
		{"another method", "PUT", "", "application/json", `{}`, 405, "Use POST"},
		{"too many tokens", "POST", "", "application/json", `{"query":"{` + strings.Repeat(" a", 20_000) + `}"}`, 200, "more than 6000 tokens"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, text := send(t, test.method, a.url+"?query="+url.QueryEscape(test.query), test.contentType, test.body)
			if status != test.status || !strings.Contains(text, test.want) {
				t.Errorf("%d %s, want %d %s", status, text, test.status, test.want)
			}
		})
	}
	var v page
	a.must(t, &v, `{ page: clients { totalCount } }`, nil)
	if v.Page.TotalCount != 0 {
		t.Error("something of all this created a client")
	}
}

// panicking is a database whose driver is broken.
type panicking struct{}

func (panicking) QueryContext(context.Context, string, ...any) (*sql.Rows, error) { panic("a secret") }

// TestPanic checks that a broken server says so, and only the log says why.
func TestPanic(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	a := serveWith(t, gql.Config{DB: db.ORM(), Reads: panicking{}, Dialect: db.Dialect})
	status, text := send(t, "POST", a.url, "application/json", `{"query":"{ clients { totalCount } }"}`)
	if status != http.StatusInternalServerError || !strings.Contains(text, `"INTERNAL"`) || strings.Contains(text, "secret") {
		t.Errorf("%d %s", status, text)
	}
	if !strings.Contains(a.log.String(), "a secret") {
		t.Errorf("the log does not say why: %s", a.log)
	}
}

// TestAccept checks in which media type an answer comes, and with which status.
func TestAccept(t *testing.T) {
	t.Parallel()
	a := serve(t, dbtest.Open(t, dialect.SQLite))
	for _, test := range []struct {
		accept, query, typ string
		status             int
	}{
		{"", "{ __typename }", "application/json", 200},
		{"*/*", "{ nope }", "application/json", 200},
		{"application/json", "{ nope }", "application/json", 200},
		{"application/graphql-response+json", "{ __typename }", "application/graphql-response+json", 200},
		{"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", "{ nope }", "application/graphql-response+json", 400},
		{"application/graphql-response+json;q=0, application/json", "{ nope }", "application/json", 200},
		{"application/json;q=0, */*", "{ __typename }", "application/graphql-response+json", 200},
		{"application/json;q=0, application/graphql-response+json;q=0, */*", "{ __typename }", "application/json", 406},
		{"text/html\napplication/graphql-response+json", "{ __typename }", "application/graphql-response+json", 200},
		{"text/html", "{ __typename }", "application/json", 406},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"?query="+url.QueryEscape(test.query), nil)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(test.accept, "\n") {
			req.Header.Add("Accept", line)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if typ, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";"); typ != test.typ || res.StatusCode != test.status {
			t.Errorf("%q, %s: %d %s", test.accept, test.query, res.StatusCode, typ)
		}
	}
}

// TestSchemaIsAsked checks who may ask for the schema, and that it shows
// nothing of how the server is made.
func TestSchemaIsAsked(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	const ask = `{ __schema { directives { name } types { name description fields { name description args { name description } } } } }`
	open := serve(t, db).run(t, ask, nil)
	if len(open.Errors) > 0 || strings.Contains(string(open.Data), `"go`) {
		t.Errorf("%v %s", open.Errors, open.Data)
	}
	log := &bytes.Buffer{}
	handler, err := gql.NewHandler(gql.Config{
		DB: db.ORM(), Reads: db, Dialect: db.Dialect, Rules: booking.DefaultRules(), Limits: planner.DefaultLimits(),
		Cursors: cursors(t), Clock: time.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(viewer.Local().Handler(handler))
	t.Cleanup(s.Close)
	_, text := send(t, "GET", s.URL+"?query="+url.QueryEscape(ask), "", "")
	if strings.Contains(text, "directives\":[{") || !strings.Contains(text, "BAD_USER_INPUT") || log.Len() > 0 {
		t.Errorf("the schema shows although it should not, or is an error of ours: %s %s", text, log)
	}
	if _, text := send(t, "GET", s.URL+"?query={client{id}}", "", ""); strings.Contains(text, "Did you mean") {
		t.Errorf("what the schema has is suggested: %s", text)
	}
}

func send(t *testing.T, method, url, contentType, body string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(all)
}
