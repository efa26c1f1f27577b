package documents_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"docket/gql"
	"docket/internal/documents"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// setup finds documents for the API, with whatever c does not say as by default.
func setup(t *testing.T, c documents.Config) *documents.Documents {
	t.Helper()
	schema, err := gql.Schema()
	must(t, err)
	if c.Schema = schema; c.Limits == (documents.Limits{}) {
		c.Limits = documents.DefaultLimits()
	}
	d, err := documents.New(c)
	must(t, err)
	return d
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// code is that of the only error; empty where a document was found.
func code(t *testing.T, d *documents.Documents, r documents.Request) string {
	t.Helper()
	doc, errs := d.Find(r)
	if len(errs) == 0 {
		if doc == nil || doc.Parsed == nil || r.Text != "" && doc.Text != r.Text {
			t.Errorf("%+v finds %+v", r, doc)
		}
		return ""
	}
	if len(errs) != 1 {
		t.Errorf("%+v: %v", r, errs)
	}
	got, _ := errs[0].Extensions["code"].(string)
	return got
}

const names = "query Names { clients { edges { node { firstName } } } }"

// What was sent once, and is valid, is found by its hash.
func TestPersistedQueries(t *testing.T) {
	t.Parallel()
	d := setup(t, documents.Config{Persist: true})
	invalid := "{ nope }"
	for _, step := range []struct {
		name string
		r    documents.Request
		want string
	}{
		{"before it was sent", documents.Request{Hash: sum(names)}, documents.NotFound},
		{"with the hash of another", documents.Request{Text: names, Hash: sum("other")}, documents.HashMismatch},
		{"and that left nothing", documents.Request{Hash: sum(names)}, documents.NotFound},
		{"with its hash", documents.Request{Text: names, Hash: sum(names)}, ""},
		{"by its hash", documents.Request{Hash: sum(names)}, ""},
		{"by its hash in capitals", documents.Request{Hash: strings.ToUpper(sum(names))}, ""},
		{"by its identifier", documents.Request{ID: "sha256:" + sum(names)}, ""},
		{"by another identifier", documents.Request{ID: "md5:" + sum(names)}, documents.NotFound},
		{"by a part of its hash", documents.Request{Hash: sum(names)[:62]}, documents.NotFound},
		{"by more than its hash", documents.Request{Hash: sum(names) + "00"}, documents.NotFound},
		{"what is not valid", documents.Request{Text: invalid, Hash: sum(invalid)}, "GRAPHQL_VALIDATION_FAILED"},
		{"is not kept", documents.Request{Hash: sum(invalid)}, documents.NotFound},
	} {
		if got := code(t, d, step.r); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
}

// The cache is bounded by weight: filling it drops what was used least lately.
func TestPersistedQueriesEnd(t *testing.T) {
	t.Parallel()
	d := setup(t, documents.Config{Persist: true})
	padded := func(i int) string { return fmt.Sprintf("%s # %d%s", names, i, strings.Repeat(" ", 10_000)) }
	const n = 300 // 3 MB
	for i := range n {
		if got := code(t, d, documents.Request{Text: padded(i)}); got != "" {
			t.Fatal(got)
		}
	}
	found := 0
	for i := range n {
		if code(t, d, documents.Request{Hash: sum(padded(i))}) == "" {
			found++
		}
	}
	if found == 0 || found > 105 {
		t.Errorf("%d of %d documents of 10 kB are kept in 1 MB", found, n)
	}
}

func TestPersistedQueriesOff(t *testing.T) {
	t.Parallel()
	d := setup(t, documents.Config{})
	for r, want := range map[documents.Request]string{
		{Text: names, Hash: sum(names)}: "",
		{Hash: sum(names)}:              documents.NotSupported,
		{ID: "sha256:" + sum(names)}:    documents.NotFound,
		{ID: "names"}:                   documents.NotFound,
	} {
		if got := code(t, d, r); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}

// Only what the manifest has is answered, however it is asked for; anything else
// is not even parsed.
func TestTrustedOnly(t *testing.T) {
	t.Parallel()
	d := setup(t, documents.Config{Persist: true, TrustedOnly: true, Trusted: []documents.Operation{{ID: "names-1", Name: "Names", Text: names}}})
	for r, want := range map[documents.Request]string{
		{ID: "names-1"}:                         "",
		{ID: "sha256:" + sum(names)}:            "",
		{ID: sum(names)}:                        "",
		{Hash: sum(names)}:                      "",
		{Text: names}:                           "",
		{Text: names, Hash: sum(names)}:         "",
		{Text: names + " "}:                     documents.NotTrusted,
		{Text: "{"}:                             documents.NotTrusted,
		{Text: "{ clients { totalCount } }"}:    documents.NotTrusted,
		{Text: strings.Repeat("{a", 1_000_000)}: documents.NotTrusted,
		{ID: "names-2"}:                         documents.NotTrusted,
		{Hash: sum("{ __typename }")}:           documents.NotTrusted,
		{Text: names, ID: "x", Hash: sum("x")}:  documents.HashMismatch,
		{ID: "names-1", Hash: sum("something")}: "",
		{ID: strings.Repeat("x", 1_000_000)}:    documents.NotTrusted,
	} {
		if got := code(t, d, r); got != want {
			t.Errorf("%.60v: %q, want %q", r, got, want)
		}
	}
}

// A manifest that cannot be served is told at the start, by its operation.
func TestTrustedAreValid(t *testing.T) {
	t.Parallel()
	schema, err := gql.Schema()
	must(t, err)
	for want, c := range map[string]documents.Config{
		`operation Old with id "a": Cannot query field`:        {Trusted: []documents.Operation{{ID: "a", Text: "query Old { customers { id } }"}}},
		`operation Broken with id "b": Expected Name`:          {Trusted: []documents.Operation{{ID: "b", Name: "Broken", Text: "query Broken {"}}},
		`operation F with id "c": The document has no`:         {Trusted: []documents.Operation{{ID: "c", Name: "F", Text: "fragment F on Client { id }"}}},
		`operation Names with id "d": another has this id`:     {Trusted: []documents.Operation{{ID: "d", Text: names}, {ID: "d", Text: names + " "}}},
		`operation Deep with id "e": The document nests`:       {Trusted: []documents.Operation{{ID: "e", Text: "query Deep " + nested(50)}}},
		`trusted-documents: has no operation, and trusted-doc`: {TrustedOnly: true},
	} {
		c.Schema, c.Limits = schema, documents.DefaultLimits()
		if _, err := documents.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// One bad document does not make an answer as long as a thousand errors.
func TestErrorsEnd(t *testing.T) {
	t.Parallel()
	d := setup(t, documents.Config{Suggest: true})
	if _, errs := d.Find(documents.Request{Text: "{" + strings.Repeat("nope ", 2000) + "}"}); len(errs) == 0 || len(errs) > 50 {
		t.Errorf("%d errors", len(errs))
	}
}
