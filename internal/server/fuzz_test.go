package server_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"docket/internal/graphiql"
)

// FuzzRequest sends any request to the whole server. Its answer is of the status
// and the media type that GraphQL over HTTP says, and the server is sound.
func FuzzRequest(f *testing.F) {
	const (
		count = `{"query":"{ clients { totalCount } }"}`
		read  = "query=%7Bclients%7BtotalCount%7D%7D"
		write = `{"query":"mutation { clientCreate(input: {firstName: \"A\", lastName: \"B\"}) { client { id } } }"}`
	)
	for _, body := range []string{
		"", "null", "[]", "[" + count + "]", "{}", count, write, count + count, count[:20], `{"query":1}`, `{"query":"{ nope }"}`, `{"query":"{"}`, `{"query":"{clients{totalCount}}","variables":[]}`,
		`{"query":"query($i:ID!){client(id:$i){id}}","variables":{"i":null}}`, `{"query":"query($i:ID!){client(id:$i){id}}","variables":{"i":"x"}}`, `{"query":"query A{__typename} query B{__typename}"}`,
		`{"query":"query A{__typename}","operationName":"B"}`, `{"query":"{ node(id: \"\\u0000\") { id } }"}`, "{\"query\":\"{ clients(where: {firstName: \\\"\xff\\\"}) { totalCount } }\"}", "\ufeff" + count,
		`{"query":"subscription { x }"}`, `{"query":"{ clients(first: 99999999999999999999) { totalCount } }"}`, `{"query":"{ ...f } fragment f on Query { ...f }"}`, `{"query":"{ __schema { types { name } } }"}`,
		`{"query":"{ clients(after: \"\", last: -1) { totalCount } }"}`, `{"query":"{__typename}","extensions":1}`, `{"query":"{__typename}","headers":1}`, `{"query":"` + strings.Repeat("{a", 3000) + `"}`, strings.Repeat(" ", 1<<20) + "x",
	} {
		f.Add(http.MethodPost, "/graphql", "application/json", "application/graphql-response+json, application/json;q=0.9", body, false)
		f.Add(http.MethodPost, "/graphql", "application/json; charset=utf-8", "", body, true)
	}
	for _, accept := range []string{"", "*/*", "text/html", "application/*", "application/json;q=0", "application/json;q=0, */*", "application/graphql-response+json;q=0, application/*, application/json;q=0", "application/graphql-response+json;q=0.0,*/*", ",", ";", "application/json;q=x", "application/json;a=\",\"", "APPLICATION/JSON", "\x00"} {
		f.Add(http.MethodGet, "/graphql?"+read, "", accept, "", false)
		f.Add(http.MethodPost, "/graphql", "application/json", accept, count, false)
	}
	for _, path := range []string{
		"/", "/graphql", "/graphql/", "//graphql", "/graphql?query=", "/graphql?query=%zz", "/graphql?query={clients{totalCount}}&variables=[]", "/graphql?a;b", "/graphql?query=mutation{clientCreate(input:{firstName:\"A\",lastName:\"B\"}){client{id}}}",
		"/graphql?query={__typename}&variables={}{}&extensions=1", "/graphql?query={__typename}&query=x", "/graphql?query=%00", "/graphql?query={a:__typename%ff}", "/healthz", "/readyz", graphiql.AssetsPath, graphiql.AssetsPath + "../x", "/%2e%2e/graphql", "*",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions, "TRACE", "get"} {
			f.Add(method, path, "application/json", "*/*", count, false)
		}
	}
	for _, typ := range []string{"", "text/plain", "application/json;", "application/json; charset=latin1", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ";;", "\xff"} {
		f.Add(http.MethodPost, "/graphql", typ, "*/*", count, false)
	}
	log := &strings.Builder{}
	servers := []http.Handler{whole(f, log, true), whole(f, log, false)}
	f.Fuzz(func(t *testing.T, method, target, contentType, accept, body string, chunked bool) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$").MatchString(method) {
			t.Skip() // net/http has refused it
		}
		for _, h := range servers {
			r := &http.Request{
				Method: method, URL: u, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "docket", RemoteAddr: "192.0.2.1:1",
				Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
			}
			if chunked {
				r.ContentLength = -1
			}
			for name, value := range map[string]string{"Content-Type": contentType, "Accept": accept} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			log.Reset()
			w, began := httptest.NewRecorder(), time.Now()
			h.ServeHTTP(w, r.WithContext(t.Context()))
			if took := time.Since(began); took > 10*time.Second || log.Len() > 0 || w.Code >= http.StatusInternalServerError {
				t.Errorf("answers %d after %v, and logs %s", w.Code, took, log)
			}
			if typ, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type")); strings.HasSuffix(typ, "json") {
				graphQL(t, r, w, typ)
			}
		}
	})
}

// whole answers as docket does, over an empty database.
func whole(f *testing.F, log io.Writer, page bool) http.Handler {
	f.Helper()
	s := served(f, slog.New(slog.NewTextHandler(log, nil)), page)
	s.GraphiQL = page
	return s.Handler()
}

// graphQL checks an answer of the API (GraphQL over HTTP, 6 Response).
func graphQL(t *testing.T, r *http.Request, w *httptest.ResponseRecorder, typ string) {
	t.Helper()
	var members map[string]json.RawMessage
	var errs []struct {
		Message    string
		Extensions map[string]any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &members); err != nil {
		t.Fatalf("%d %q: %v", w.Code, w.Body, err)
	}
	if text := members["errors"]; text != nil {
		if err := json.Unmarshal(text, &errs); err != nil || len(errs) == 0 {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
	}
	data, done := members["data"]
	switch {
	case !done && len(errs) == 0, done && string(data) == "null" && len(errs) == 0:
		t.Errorf("says neither data nor errors: %d %s", w.Code, w.Body)
	case done && w.Code != http.StatusOK:
		t.Errorf("what was executed has status %d: %s", w.Code, w.Body)
	case !done && typ == "application/graphql-response+json" && w.Code/100 != 4:
		t.Errorf("what was not executed has status %d: %s", w.Code, w.Body)
	case done && r.Method != http.MethodGet && r.Method != http.MethodPost:
		t.Errorf("%s is executed: %s", r.Method, w.Body)
	case w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "":
		t.Error("does not say which method is allowed")
	case !slices.Contains([]string{"application/json", "application/graphql-response+json"}, typ):
		t.Errorf("is of type %q", typ)
	}
	for one := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if refused, params, err := mime.ParseMediaType(one); err == nil && refused == typ && params["q"] == "0" && w.Code != http.StatusNotAcceptable {
			t.Errorf("%q is answered with %s", r.Header.Get("Accept"), typ)
		}
	}
	for _, e := range errs {
		if code, _ := e.Extensions["code"].(string); code == "" || code == "INTERNAL" || code == "UNAVAILABLE" || code == "TIMEOUT" || e.Message == "" {
			t.Errorf("says %+v", e)
		}
	}
}
