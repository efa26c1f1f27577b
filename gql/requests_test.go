package gql_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"entgo.io/ent/dialect"

	"docket/gql"
	"docket/internal/dbtest"
	"docket/internal/documents"
)

// TestBatch sends lists of operations.
func TestBatch(t *testing.T) {
	t.Parallel()
	c := config(dbtest.Open(t, dialect.SQLite), documents.Config{Persist: true})
	c.Requests = gql.Requests{MaxBody: 1 << 20, MaxBatch: 3}
	a := serveWith(t, c)
	create := func(name string) string {
		return `{"query":"mutation { clientCreate(input: {firstName: \"` + name + `\", lastName: \"B\"}) { client { firstName } } }"}`
	}
	const count = `{"query":"{ clients { totalCount } }"}`
	counted := func(n int) string { return fmt.Sprintf(`{"data":{"clients":{"totalCount":%d}}}`, n) }
	created := func(name string) string {
		return `{"data":{"clientCreate":{"client":{"firstName":"` + name + `"}}}}`
	}
	for _, test := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"in order", "[" + count + "," + create("A") + "," + count + "]", 200, "[" + counted(0) + "," + created("A") + "," + counted(1) + "]"},
		{"one", " \n[" + count + "]", 200, "[" + counted(1) + "]"},
		{"not a list", count, 200, counted(1)},
		{"one that fails", `[{"query":"{ nope }"},{"query":"mutation { clientDelete(input: {id: 1}) { deletedId } }"},` + count + "]", 200, `,` + counted(1) + "]"},
		{"too many", "[" + create("X") + "," + count + "," + count + "," + count + "]", 400, `"max":3`},
		{"none", "[]", 400, "send JSON with a query"},
		{"a list in a list", "[[" + count + "]]", 400, "send JSON with a query"},
		{"one that is none", "[" + create("X") + ",{}]", 400, "it has no query"},
		{"something after it", "[" + create("X") + "]" + count, 400, "send JSON with a query"},
		{"half of it", "[" + create("X") + ",", 400, "send JSON with a query"},
		{"null", "[null]", 400, "it has no query"},
		{"nothing was created by what was refused", count, 200, counted(1)},
	} {
		status, text := send(t, "POST", a.url, "application/json", test.body)
		if status != test.status || !strings.Contains(text, test.want) {
			t.Errorf("%s: %d %s, want %d %s", test.name, status, text, test.status, test.want)
		}
	}
	alone := serve(t, dbtest.Open(t, dialect.SQLite))
	if status, text := send(t, "POST", alone.url, "application/json", "["+count+"]"); status != 400 || !strings.Contains(text, "takes no batches") {
		t.Errorf("by default: %d %s", status, text)
	}
}

// TestBatchesAreBounded checks that operations of a batch share the time of their
// request, and that the body bounds them together.
func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	late := reads(func(ctx context.Context) (*sql.Rows, error) { <-ctx.Done(); return nil, ctx.Err() })
	c := gql.Config{DB: db.ORM(), Reads: late, Dialect: db.Dialect, Requests: gql.Requests{MaxBody: 500, MaxBatch: 5}}
	a := serveWith(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	const count = `{"query":"{ clients { totalCount } }"}`
	r := httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader("["+count+","+count+"]"))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	if got := strings.Count(w.Body.String(), `"TIMEOUT"`); got != 2 {
		t.Errorf("%d of 2 ended: %s", got, w.Body)
	}
	if status, text := send(t, "POST", a.url, "application/json", "["+count+strings.Repeat(","+count, 13)+"]"); status != 413 || !strings.Contains(text, `"max":500`) {
		t.Errorf("%d %s", status, text)
	}
}

// TestBodies sends bodies that are none.
func TestBodies(t *testing.T) {
	t.Parallel()
	a := serve(t, dbtest.Open(t, dialect.SQLite))
	const count = `{"query":"{ clients { totalCount } }"}`
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write([]byte(count))
	_ = zip.Close()
	for _, test := range []struct {
		name, typ, coding, body string
		status                  int
		want                    string
	}{
		{"as it should be", "application/json", "", count, 200, "totalCount"},
		{"in UTF-8", `application/json; charset="UTF-8"`, "identity", count, 200, "totalCount"},
		{"in Latin-1", "application/json; charset=iso-8859-1", "", count, 415, "in UTF-8"},
		{"compressed", "application/json", "gzip", packed.String(), 415, "not compressed"},
		{"compressed, and not told so", "application/json", "", packed.String(), 400, "not UTF-8"},
		{"nothing", "application/json", "", "", 400, "send JSON"},
		{"null", "application/json", "", "null", 400, "no query"},
		{"no UTF-8", "application/json", "", "{\"query\":\"{ clients(where: {firstName: \\\"\xff\\\"}) { totalCount } }\"}", 400, "not UTF-8"},
		{"a lone surrogate", "application/json", "", `{"query":"{ clients(where: {firstName: \"\ud800\"}) { totalCount } }"}`, 200, "BAD_USER_INPUT"},
		{"a null byte", "application/json", "", `{"query":"{ clients(where: {firstName: \"\u0000\"}) { totalCount } }"}`, 200, "GRAPHQL_PARSE_FAILED"},
		{"deep", "application/json", "", `{"query":"{ __typename }","variables":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_001), 400, "send JSON"},
		{"a number for a query", "application/json", "", `{"query":1}`, 400, "send JSON"},
		{"a list of variables", "application/json", "", `{"query":"{ __typename }","variables":[]}`, 400, "send JSON"},
		{"two of them", "application/json", "", count + count, 400, "send JSON"},
		{"a form", "application/x-www-form-urlencoded", "", "query={__typename}", 415, "application/json"},
		{"parts", "multipart/form-data; boundary=x", "", "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n" + count + "\r\n--x--", 415, "application/json"},
		{"text", "text/plain", "", count, 415, "application/json"},
		{"no type", "", "", count, 415, "application/json"},
		{"a document by itself", "application/graphql", "", "{ clients { totalCount } }", 415, "application/json"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", a.url, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Content-Type": test.typ, "Content-Encoding": test.coding} {
			if value != "" {
				req.Header.Set(name, value)
			}
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != test.status || !strings.Contains(string(text), test.want) {
			t.Errorf("%s: %d %.300s, want %d %s", test.name, res.StatusCode, text, test.status, test.want)
		}
		if !json.Valid(text) || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v %.300q", test.name, res.Header, text)
		}
	}
}

// TestBodiesThatEnd checks what is said of a body that breaks off or is too slow.
func TestBodiesThatEnd(t *testing.T) {
	t.Parallel()
	a := serve(t, dbtest.Open(t, dialect.SQLite))
	for err, status := range map[error]int{io.ErrUnexpectedEOF: 400, os.ErrDeadlineExceeded: 408, errors.New("pq: a secret"): 400} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", io.MultiReader(strings.NewReader(`{"query":`), iotest.ErrReader(err)))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		if w.Code != status || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), "BAD_USER_INPUT") {
			t.Errorf("%v: %d %s", err, w.Code, w.Body)
		}
	}
}

// TestHeadersAreNotSent checks that a body cannot say what only a header may.
func TestHeadersAreNotSent(t *testing.T) {
	t.Parallel()
	a := serve(t, dbtest.Open(t, dialect.SQLite))
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(`{"query":"{ __typename }","headers":{"Authorization":["Bearer stolen"]}}`))
	r.Header.Set("Content-Type", "application/json")
	a.handler.ServeHTTP(httptest.NewRecorder(), r)
	if got := r.Header.Get("Authorization"); got != "" {
		t.Errorf("the body has set Authorization to %q", got)
	}
}

// TestPanicsHaveAnID checks that what is told of a panic leads to the line of the
// log that has its cause and where it happened, in batches too.
func TestPanicsHaveAnID(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	a := serveWith(t, gql.Config{DB: db.ORM(), Reads: panicking{}, Dialect: db.Dialect, Requests: gql.Requests{MaxBody: 1 << 20, MaxBatch: 2}})
	const count = `{"query":"{ clients { totalCount } }"}`
	_, one := send(t, "POST", a.url, "application/json", count)
	_, batch := send(t, "POST", a.url, "application/json", "["+count+","+count+"]")
	ids := regexp.MustCompile(`"id":"(\w+)"`).FindAllStringSubmatch(one+batch, -1)
	if len(ids) != 3 {
		t.Fatalf("%d ids in %s %s", len(ids), one, batch)
	}
	for _, id := range ids {
		line := ""
		for each := range strings.SplitSeq(a.log.String(), "\n") {
			if strings.Contains(each, id[1]) {
				line = each
			}
		}
		if !strings.Contains(line, "a secret") || !strings.Contains(line, "http_test.go") {
			t.Errorf("%s leads to %q", id[1], line)
		}
	}
}
