package documents_test

import (
	"os"
	"strings"
	"testing"

	"docket/internal/documents"
)

// What the tools write is read, and fits the schema.
func TestManifests(t *testing.T) {
	t.Parallel()
	for file, ids := range map[string][]string{
		"apollo.json":       {"8df912aaaa73e2f8bc66e9d97f3e912da61308c05c0d53cef818a58982e7b8d7", "6fdbf0e5ce790779d521bee984f3ec0d8a705312bfd45e343b48e28483fd1e7d"},
		"relay.json":        {"d12275f77ec6e01c365e9c7499f58ab7", "1403d6c4b464fd81afc38133e17987f6"},
		"relay-sha256.json": {"7abef82beec9899cb8dc9de7e26b97e5371ffa7d11a45b10e87c89bccd97e2d1", "0cd7d5d10434537f467de460fbd29e68601747be138c8b89354bfad9bc67ffcc"},
	} {
		from, err := os.Open("testdata/" + file)
		must(t, err)
		operations, err := documents.Read(from)
		must(t, err)
		must(t, from.Close())
		d := setup(t, documents.Config{Trusted: operations, TrustedOnly: true})
		for _, id := range ids {
			if got := code(t, d, documents.Request{ID: id}); got != "" {
				t.Errorf("%s: %s: %s", file, id, got)
			}
		}
		for _, o := range operations {
			if got := code(t, d, documents.Request{Hash: sum(o.Text)}); got != "" {
				t.Errorf("%s: by the hash of %s: %s", file, o, got)
			}
		}
	}
}

func TestWrongManifests(t *testing.T) {
	t.Parallel()
	const apollo = `{"format": "apollo-persisted-query-manifest", "version": 1, "operations": `
	for text, want := range map[string]string{
		"":                 "neither",
		"[]":               "neither",
		"{}":               "there is no operation",
		`{"a": 1}`:         "neither",
		`{"a": "{ b }"} x`: "neither",
		`{"a": ""}`:        `operation with id "a": has no id or no text`,
		`{"": "{ b }"}`:    `operation with id "": has no id or no text`,
		apollo + "[]}":     "there is no operation",
		apollo + `[{"id": "a", "name": "A", "body": ""}]}`:                                  `operation A with id "a": has no id or no text`,
		strings.Replace(apollo, "1", "2", 1) + `[]}`:                                        "version 2",
		strings.Replace(apollo, "apollo-", "other-", 1) + `[{"id": "a", "body": "{ b }"}]}`: "neither",
	} {
		if _, err := documents.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
