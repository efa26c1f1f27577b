package documents_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"docket/internal/documents"
)

// nested is a selection n fields deep.
func nested(n int) string {
	return strings.Repeat("{ a ", n) + strings.Repeat("} ", n)
}

// repeated writes n times what i makes.
func repeated(n int, one string) string {
	var all strings.Builder
	for i := range n {
		all.WriteString(strings.ReplaceAll(one, "#", strconv.Itoa(i)) + " ")
	}
	return all.String()
}

// Each limit lets pass what it allows, and nothing more.
func TestLimits(t *testing.T) {
	t.Parallel()
	small := documents.Limits{Tokens: 100, Depth: 5, Aliases: 4, RootFields: 4, Mutations: 2, Directives: 3, Fragments: 3, Selections: 12, Repeats: 9}
	const write = `clientDelete(input: {id: "x"}) { deletedId }`
	tests := map[string]struct {
		limit int
		write func(n int) string
	}{
		"tokens":                    {100, func(n int) string { return "{ clients(ids: [" + strings.Repeat("1 ", n-12) + "]) { id } }" }},
		"depth":                     {5, func(n int) string { return nested(n) }},
		"depth by a fragment":       {5, func(n int) string { return "{ a { ...f } } fragment f on Query " + nested(n-1) }},
		"depth of unused fragments": {5, func(n int) string { return "{ __typename } fragment f on Query " + nested(n) }},
		"aliases":                   {4, func(n int) string { return "{ clients { " + repeated(n, "a#: totalCount") + "} }" }},
		"aliases in a fragment": {4, func(n int) string {
			return "{ clients { ...f } } fragment f on ClientConnection { " + repeated(n, "a#: totalCount") + "}"
		}},
		"root fields":               {4, func(n int) string { return "{ " + repeated(n, "__typename") + "}" }},
		"root fields of a fragment": {4, func(n int) string { return "{ ...f } fragment f on Query { ... { " + repeated(n, "__typename") + "} }" }},
		"a fragment over and over":  {4, func(n int) string { return "{ " + repeated(n, "...f") + "} fragment f on Query { __typename }" }},
		"mutations":                 {2, func(n int) string { return "mutation { " + repeated(n, "a#: "+write) + "}" }},
		"mutations of a fragment": {2, func(n int) string {
			return "mutation { ...f } fragment f on Mutation { " + repeated(n, "a#: "+write) + "}"
		}},
		"directives": {3, func(n int) string { return "{ __typename " + repeated(n, "@skip(if: false)") + "}" }},
		"directives of all sorts": {3, func(n int) string {
			return "query @a { ...f @skip(if: true) } fragment f on Query @b { __typename " + repeated(n-3, "@c") + "}"
		}},
		"fragments":                   {3, func(n int) string { return "{ __typename }" + repeated(n, "fragment f# on Query { __typename }") }},
		"the widest of the documents": {4, func(n int) string { return "query A { __typename } query B { " + repeated(n, "__typename") + "}" }},
	}
	d := setup(t, documents.Config{Limits: small})
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, errs := d.Find(documents.Request{Text: tt.write(tt.limit)}); len(errs) > 0 && errs[0].Extensions["code"] == "TOO_COMPLEX" {
				t.Errorf("%d: %v", tt.limit, errs)
			}
			_, errs := d.Find(documents.Request{Text: tt.write(tt.limit + 1)})
			if len(errs) != 1 || errs[0].Extensions["code"] != "TOO_COMPLEX" || errs[0].Extensions["max"] != tt.limit || !strings.Contains(errs[0].Message, fmt.Sprint(tt.limit)) {
				t.Errorf("%d: %v", tt.limit+1, errs)
			}
		})
	}
}

// doubling is a document whose fragments make 2^n fields of few words.
func doubling(n int, inner string) string {
	text := "{ ...f0 }"
	for i := range n {
		text += fmt.Sprintf(" fragment f%d on Query { %s }", i, strings.ReplaceAll(inner, "#", fmt.Sprint(i+1)))
	}
	return text + fmt.Sprintf(" fragment f%d on Query { __typename }", n)
}

// Whatever fragments do, refusing takes time in proportion to what is written.
func TestLimitsAreLinear(t *testing.T) {
	t.Parallel()
	d := setup(t, documents.Config{Limits: documents.DefaultLimits()})
	circle := "{ ...f0 }" + repeated(199, "fragment f# on Query { ...f199 ...f# }") + "fragment f199 on Query { ...f0 }"
	for name, test := range map[string]struct{ text, code string }{
		"2^30 fields":              {doubling(30, "...f# ...f#"), "TOO_COMPLEX"},
		"2^150 fields":             {doubling(150, "...f# ...f#"), "TOO_COMPLEX"},
		"2^30 fields in fields":    {doubling(30, "a: node(id: 1) { ...f# } b: node(id: 1) { ...f# }"), "TOO_COMPLEX"},
		"a field over and over":    {"{ clients { " + strings.Repeat("totalCount ", 4900) + "} }", "TOO_COMPLEX"},
		"as often as it may be":    {"{ clients { " + repeated(49, strings.Repeat("x# ", 100)) + "} }", "GRAPHQL_VALIDATION_FAILED"},
		"below itself":             {"{ ...a } fragment a on Query { node(id: 1) { ...a } }", "GRAPHQL_VALIDATION_FAILED"},
		"a circle":                 {"{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "GRAPHQL_VALIDATION_FAILED"},
		"itself":                   {"{ ...a } fragment a on Query { ...a }", "GRAPHQL_VALIDATION_FAILED"},
		"circles of 200 fragments": {circle, "GRAPHQL_VALIDATION_FAILED"},
		"deep inline fragments":    {"{" + strings.Repeat("...{", 1900) + "__typename" + strings.Repeat("}", 1901), ""},
		"deep lists":               {"{ clients(where: " + strings.Repeat("[", 2900) + strings.Repeat("]", 2900) + ") { totalCount } }", ""},
		"deep objects":             {"{ clients(where: " + strings.Repeat("{and:", 1400) + "{}" + strings.Repeat("}", 1400) + ") { totalCount } }", ""},
	} {
		began := time.Now()
		_, errs := d.Find(documents.Request{Text: test.text})
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s takes %v", name, took)
		} else {
			t.Logf("%s: %v", name, took)
		}
		if test.code != "" && (len(errs) == 0 || errs[0].Extensions["code"] != test.code) {
			t.Errorf("%s: %v", name, errs)
		}
	}
}
