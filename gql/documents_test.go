package gql_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"

	"docket/gql"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/documents"
)

// exchange sends a request in JSON, or the same by GET, and reads the answer as
// graphql-response+json.
func (a *api) exchange(t *testing.T, method, body string) (status int, r response) {
	t.Helper()
	target, from := a.url, strings.NewReader(body)
	if method == http.MethodGet {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatal(err)
		}
		values := url.Values{}
		for name, value := range members {
			text := string(value)
			_ = json.Unmarshal(value, &text) // an object stays JSON
			values.Set(name, text)
		}
		target, from = a.url+"?"+values.Encode(), strings.NewReader("")
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, from)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/graphql-response+json")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, r
}

func (a *api) expect(t *testing.T, method, body string, status int, code any) {
	t.Helper()
	gotStatus, r := a.exchange(t, method, body)
	if gotStatus != status || r.code() != code {
		t.Errorf("%s %s: %d %v %s, want %d %v", method, body, gotStatus, r.Errors, r.Data, status, code)
	}
}

func config(db *database.DB, d documents.Config) gql.Config {
	return gql.Config{DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, Documents: d}
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// TestAutomaticPersistedQueries speaks the protocol of Apollo's clients.
func TestAutomaticPersistedQueries(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			a := serveWith(t, config(dbtest.Open(t, dialect.SQLite), documents.Config{Persist: true}))
			const query = "{ clients { totalCount } }"
			extensions := func(hash string) string {
				return `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}`
			}
			hash := extensions(sum(query))
			a.expect(t, method, `{`+hash+`}`, 400, "PERSISTED_QUERY_NOT_FOUND")
			if _, r := a.exchange(t, method, `{`+hash+`}`); r.Errors[0].Message != "PersistedQueryNotFound" {
				t.Errorf("clients look for PersistedQueryNotFound, not for %q", r.Errors[0].Message)
			}
			a.expect(t, method, `{"query":"`+query+` ",`+hash+`}`, 400, "PERSISTED_QUERY_HASH_MISMATCH")
			a.expect(t, method, `{"query":"{ nope }",`+extensions(sum("{ nope }"))+`}`, 400, "GRAPHQL_VALIDATION_FAILED")
			a.expect(t, method, `{`+extensions(sum("{ nope }"))+`}`, 400, "PERSISTED_QUERY_NOT_FOUND")
			a.expect(t, method, `{"query":"`+query+`",`+hash+`}`, 200, nil)
			a.expect(t, method, `{`+hash+`}`, 200, nil)
			a.expect(t, method, `{"documentId":"sha256:`+sum(query)+`"}`, 200, nil)
			for _, malformed := range []string{`1`, `"x"`, `{}`, `{"version":2,"sha256Hash":"` + sum(query) + `"}`, `{"version":1}`, `{"version":1,"sha256Hash":7}`, `{"version":"1","sha256Hash":"` + sum(query) + `"}`, `[]`} {
				a.expect(t, method, `{"extensions":{"persistedQuery":`+malformed+`}}`, 400, "BAD_USER_INPUT")
			}
		})
	}
}

// A mutation that is known by its hash is not done by GET all the same.
func TestPersistedMutations(t *testing.T) {
	t.Parallel()
	a := serveWith(t, config(dbtest.Open(t, dialect.SQLite), documents.Config{Persist: true}))
	const mutation = `mutation { clientCreate(input: {firstName: \"A\", lastName: \"B\"}) { client { id } } }`
	hash := `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + sum(strings.ReplaceAll(mutation, `\"`, `"`)) + `"}}`
	a.expect(t, "POST", `{"query":"`+mutation+`",`+hash+`}`, 200, nil)
	a.expect(t, "GET", `{`+hash+`}`, 405, "BAD_USER_INPUT")
	var v page
	if a.must(t, &v, `{ page: clients { totalCount } }`, nil); v.Page.TotalCount != 1 {
		t.Errorf("%d clients", v.Page.TotalCount)
	}
}

// trusted serves the manifest that relay-compiler wrote.
func trusted(t *testing.T, only bool) *api {
	t.Helper()
	from, err := os.Open("../internal/documents/testdata/relay.json")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	operations, err := documents.Read(from)
	if err != nil {
		t.Fatal(err)
	}
	return serveAs(t, config(dbtest.Open(t, dialect.SQLite), documents.Config{Persist: true, Trusted: operations, TrustedOnly: only}))
}

const (
	trustedQuery    = "d12275f77ec6e01c365e9c7499f58ab7"
	trustedMutation = "1403d6c4b464fd81afc38133e17987f6"
)

// TestTrustedDocuments asks for a document by each name that clients have for it.
func TestTrustedDocuments(t *testing.T) {
	t.Parallel()
	for _, only := range []bool{true, false} {
		a := trusted(t, only)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, name := range []string{"documentId", "doc_id", "id"} {
				a.expect(t, method, `{"`+name+`":"`+trustedQuery+`","variables":{"first":1}}`, 200, nil)
				a.expect(t, method, `{"`+name+`":"`+trustedQuery+`","variables":{"first":"x"}}`, 400, "GRAPHQL_VALIDATION_FAILED")
				a.expect(t, method, `{"`+name+`":"another"}`, 400, map[bool]string{true: "DOCUMENT_NOT_TRUSTED", false: "PERSISTED_QUERY_NOT_FOUND"}[only])
			}
			if method == http.MethodPost {
				a.expect(t, method, `{"id":5}`, 400, "BAD_USER_INPUT")
			}
		}
		a.expect(t, "GET", `{"documentId":"`+trustedMutation+`","variables":{"input":{"id":"x"}}}`, 405, "BAD_USER_INPUT")
		a.expect(t, "POST", `{"documentId":"`+trustedMutation+`","variables":{"input":{"id":"x"}}}`, 200, "BAD_USER_INPUT")
		other := map[bool]any{true: "DOCUMENT_NOT_TRUSTED", false: nil}[only]
		a.expect(t, "POST", `{"query":"{ clients { totalCount } }","id":"an id of the request"}`, map[bool]int{true: 400, false: 200}[only], other)
	}
}

// TestOnlyTrustedDocuments tries to have something else answered.
func TestOnlyTrustedDocuments(t *testing.T) {
	t.Parallel()
	a := trusted(t, true)
	const query = "{ clients { totalCount } }"
	hash := `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + sum(query) + `"}}`
	for _, body := range []string{
		`{"query":"` + query + `"}`, `{"query":"` + query + `",` + hash + `}`, `{` + hash + `}`, `{"documentId":"sha256:` + sum(query) + `"}`,
		`{"query":"{ __typename }"}`, `{"query":"{ __schema { types { name } } }"}`, `{"query":"{"}`, `{"query":" "}`,
		`{"query":"` + query + `","documentId":"` + trustedQuery + `","operationName":"ClientsQuery"}`,
		`{"query":"` + strings.Repeat("{a", 100_000) + `"}`,
	} {
		a.expect(t, "POST", body, 400, "DOCUMENT_NOT_TRUSTED")
	}
}

// misspelt are documents in which a name of each kind is almost right.
var misspelt = []string{
	"{ client { id } }", "{ clint(id: 1) { id } }", "{ clients { edge { node { id } } } }", "{ clients { edges { node { firstNam } } } }",
	"{ clients }", "{ clients(firs: 1) { totalCount } }", "{ client(idd: 1) { id } }", "{ clients @includ(if: true) { totalCount } }",
	"{ clients @include(iff: true) { totalCount } }", "query($f: Itn) { clients(first: $f) { totalCount } }", "query($f: ClientWhereInptu) { clients(where: $f) { totalCount } }",
	"{ node(id: 1) { ... on Cliet { id } } }", "{ ...f } fragment f on Quer { __typename }", "{ node(id: 1) { firstName } }", "{ node(id: 1) { ...f } } fragment g on Client { id }",
	"{ clients(where: {firstNam: \"A\"}) { totalCount } }", "{ clients(where: {hasReservationsWith: [{hasAppointmen: true}]}) { totalCount } }", "{ appointments(where: {status: OPE}) { totalCount } }",
	"{ appointments(where: {status: \"OPEN\"}) { totalCount } }", "{ appointments(where: {statusIn: [OPN]}) { totalCount } }", "{ clients(orderBy: {field: CREATED_A}) { totalCount } }",
	"{ clients(orderBy: {direction: ASCC}) { totalCount } }", "{ clients(orderBy: {feild: ID}) { totalCount } }", "mutation { clientCreat(input: {}) { client { id } } }",
	"mutation { clientCreate(inputt: {}) { client { id } } }", "mutation { clientCreate(input: {firstNam: \"A\"}) { client { id } } }", "mutation { clientCreate(input: {firstName: \"A\", lastName: \"B\"}) { clint { id } } }",
	"mutation { clientCreate(input: {firstName: \"A\", lastName: \"B\"}) { client } }", "subscription { clients { totalCount } }", "{ clients { totalCount { x } } }", "{ __schem { types { name } } }", "{ __type(nam: \"Client\") { name } }",
	"{ __typenam }", "{ clients { __typenam } }", "{ a: clients(first: tru) { totalCount } }",
}

// TestNoSuggestions checks that who may not ask for the schema is not told by
// what an error suggests either.
func TestNoSuggestions(t *testing.T) {
	t.Parallel()
	suggests := regexp.MustCompile(`(?i)did you mean|suggest|perhaps`)
	db := dbtest.Open(t, dialect.SQLite)
	open, closed := serveWith(t, config(db, documents.Config{})), serveAs(t, config(db, documents.Config{}))
	told := 0
	for _, query := range misspelt {
		r := closed.run(t, query, nil)
		if len(r.Errors) == 0 {
			t.Errorf("%s is no error", query)
		}
		for _, e := range r.Errors {
			if suggests.MatchString(e.Message) {
				t.Errorf("%s: %s", query, e.Message)
			}
		}
		if r := open.run(t, query, nil); slices.ContainsFunc(r.Errors, func(e gqlError) bool { return suggests.MatchString(e.Message) }) {
			told++
		}
	}
	for _, vars := range []map[string]any{{"w": map[string]any{"firstNam": "A"}}, {"w": map[string]any{"statu": "OPEN"}}, {"w": 1}, {"w": map[string]any{"status": "OPE"}}} {
		for _, e := range closed.run(t, "query($w: AppointmentWhereInput) { appointments(where: $w) { totalCount } }", vars).Errors {
			if suggests.MatchString(e.Message) {
				t.Errorf("%v: %s", vars, e.Message)
			}
		}
	}
	if told < 15 {
		t.Errorf("only %d of %d misspellings are corrected where they may be: they show little", told, len(misspelt))
	}
	if string(closed.post(t, "{ __typename clients { __typename } }", nil)) != `{"data":{"__typename":"Query","clients":{"__typename":"ClientConnection"}}}` {
		t.Error("__typename is not answered without introspection")
	}
}
