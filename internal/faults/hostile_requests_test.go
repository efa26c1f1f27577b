package faults_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// hostile are requests that somebody sends who means no good. Each is made anew,
// so that no cache knows it.
type hostile struct {
	name   string
	body   func(chance *rand.Rand) []byte
	header []string // name and value; Content-Type is JSON unless told
	does   bool     // may be answered with data
}

// asked is a request for an operation.
func asked(query string, vars any) []byte {
	body, _ := json.Marshal(map[string]any{"query": query, "variables": vars})
	return body
}

func numbered(n int, one string) string {
	var all strings.Builder
	for i := range n {
		all.WriteString(strings.ReplaceAll(one, "#", fmt.Sprint(i)) + " ")
	}
	return all.String()
}

// doubled are n fragments that each spread the next one twice.
func doubled(n int, typ, step, last string) string {
	text := ""
	for i := range n {
		text += fmt.Sprintf(" fragment f%d on %s { %s }", i, typ, strings.ReplaceAll(step, "#", fmt.Sprint(i+1)))
	}
	return text + fmt.Sprintf(" fragment f%d on %s { %s }", n, typ, last)
}

func nest(n int, open, inner, end string) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
}

func bomb() []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(bytes.Repeat([]byte(" "), 10<<20))
	_ = w.Close()
	return packed.Bytes()
}

// sentAs sends a document that is another each time.
func sentAs(query string) func(*rand.Rand) []byte {
	return func(chance *rand.Rand) []byte { return asked(fmt.Sprintf("%s # %d", query, chance.Int()), nil) }
}

func variables(query string, vars any) func(*rand.Rand) []byte {
	return func(*rand.Rand) []byte { return asked(query, vars) }
}

// mutated is a good request with some bytes changed.
func mutated(chance *rand.Rand) []byte {
	body := asked("query($f: Int) { clients(first: $f, where: {firstName: \"A\"}) { edges { node { id } } } }", map[string]any{"f": 1})
	for range 1 + chance.IntN(4) {
		body[chance.IntN(len(body))] = byte(chance.IntN(256)) //nolint:gosec // it fits
	}
	return body[:1+chance.IntN(len(body))]
}

const where = "query($w: ClientWhereInput) { clients(where: $w) { totalCount } }"

// attacks are what hostile clients send to a server that is as by default.
func attacks() []hostile {
	same := func(text string) func(*rand.Rand) []byte { return func(*rand.Rand) []byte { return []byte(text) } }
	deep := any(map[string]any{})
	for range 500 {
		deep = map[string]any{"and": []any{deep}}
	}
	packed := bomb()
	return []hostile{
		{name: "bytes", body: func(c *rand.Rand) []byte {
			b := make([]byte, c.IntN(4096))
			for i := range b {
				b[i] = byte(c.IntN(256)) //nolint:gosec // it fits
			}
			return b
		}},
		{name: "mutated", body: mutated, does: true},
		{name: "truncated JSON", body: same(`{"query":"{ clients { totalCount`)},
		{name: "no UTF-8", body: same("{\"query\":\"{ clients(where: {firstName: \\\"\xff\xfe\\\"}) { totalCount } }\"}")},
		{name: "null bytes", body: variables(where, map[string]any{"w": map[string]any{"firstName": "a\x00b"}})},
		{name: "null bytes in the document", body: sentAs("{ clients \x00 { totalCount } }")},
		{name: "huge numbers", body: sentAs("{ clients(first: 99999999999999999999999999) { totalCount } }")},
		{name: "huge exponents", body: same(`{"query":"query($f: Int) { clients(first: $f) { totalCount } }","variables":{"f":1e999999}}`)},
		{name: "a number of 900 kB", body: same(`{"query":"query($f: Int) { clients(first: $f) { totalCount } }","variables":{"f":` + strings.Repeat("9", 900_000) + `}}`)},
		{name: "wrong ids", body: func(c *rand.Rand) []byte {
			return asked(fmt.Sprintf("{ client(id: %q) { id } node(id: \"%d\") { id } }", strings.Repeat("x", c.IntN(3000)), -c.Int()), nil)
		}},
		{name: "10 MB of a query", body: same(`{"query":"{` + strings.Repeat(" clients { totalCount }", 10<<20/22) + `}"}`)},
		{name: "10 MB of space", body: same(strings.Repeat(" ", 10<<20))},
		{name: "1 MB of a query", body: func(*rand.Rand) []byte { return asked("{"+strings.Repeat("clients{totalCount}", 50_000)+"}", nil) }},
		{name: "1 MB of comments", body: sentAs("# " + strings.Repeat("x", 1_000_000))},
		{name: "1 MB of a name", body: sentAs("{ " + strings.Repeat("x", 1_000_000) + " }")},
		{name: "1 MB of a string", body: sentAs(`{ clients(after: "` + strings.Repeat("x", 1_000_000) + `") { totalCount } }`)},
		{name: "an enum of 1 MB", body: sentAs(`{ appointments(where: {status: "` + strings.Repeat("OPEN", 250_000) + `"}) { totalCount } }`)},
		{name: "a variable of 1 MB", body: variables("query($s: AppointmentStatus, $i: ID!) { appointments(where: {status: $s, idIn: [$i]}) { totalCount } }", map[string]any{"s": strings.Repeat("OPEN", 120_000), "i": strings.Repeat("A", 480_000)})},
		{name: "50 names of 250 characters", body: sentAs("{ " + numbered(90, strings.Repeat("x", 250)) + " }")},
		{name: "a string without end", body: sentAs(`{ clients(after: """` + strings.Repeat("x", 500_000))},
		{name: "10,000 aliases", body: sentAs("{ " + numbered(10_000, "a#: __typename") + "}")},
		{name: "1,900 aliases", body: sentAs("{ clients { " + numbered(1900, "a#: totalCount") + "} }")},
		{name: "the same field 5,900 times", body: sentAs("{ clients { " + strings.Repeat("totalCount ", 5900) + "} }")},
		{name: "fields 100 times each", body: sentAs("{ clients { " + numbered(49, strings.Repeat("x# ", 100)) + "} }")},
		{name: "2,900 unknown fields", body: sentAs("{ clients { " + numbered(2900, "x#") + "} }")},
		{name: "900 roots", body: sentAs("{ " + numbered(900, "a#: clients { totalCount }") + "}")},
		{name: "1,400 mutations", body: sentAs("mutation { " + numbered(500, `a#: clientDelete(input: {id: "x"}) { deletedId }`) + "}")},
		{name: "2,900 directives", body: sentAs("{ __typename " + strings.Repeat("@skip(if:true) ", 700) + "}")},
		{name: "deep selections", body: sentAs(nest(100_000, "{a", "", "}"))},
		{name: "deep fields", body: sentAs("{ providers { edges { node " + nest(200, "{ appointments { edges { node ", "{ id }", " } } }") + "} } }")},
		{name: "deep inline fragments", body: sentAs("{" + nest(1900, "...{", "__typename", "}") + "}"), does: true},
		{name: "deep lists", body: sentAs("{ clients(where: " + nest(2900, "[", "", "]") + ") { totalCount } }")},
		{name: "deep objects", body: sentAs("{ clients(where: " + nest(1400, "{not:", "{}", "}") + ") { totalCount } }")},
		{name: "deep JSON", body: same(`{"query":"{ __typename }","variables":` + nest(400_000, `[`, "", "]") + "}")},
		{name: "deep variables", body: variables(where, map[string]any{"w": deep})},
		{name: "wide variables", body: variables(where, map[string]any{"w": map[string]any{"or": make([]map[string]any, 100_000)}})},
		{name: "40,000 ids", body: variables("query($i: [ID!]!) { nodes(ids: $i) { id } }", map[string]any{"i": strings.Fields(strings.Repeat("x ", 40_000))})},
		{name: "a circle", body: sentAs("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }")},
		{name: "circles of 190 fragments", body: sentAs("{ ...f0 }" + numbered(190, "fragment f# on Query { ...f1 ...f188 ...f# }"))},
		{name: "2^30 spreads", body: sentAs("{ ...f0 }" + doubled(30, "Query", "...f# ...f#", "__typename"))},
		{name: "2^30 fields", body: sentAs("{ client(id: 1) { ...f0 } }" + doubled(30, "Client", "a: reservations { edges { node { client { ...f# } } } } b: reservations { edges { node { client { ...f# } } } }", "id"))},
		{name: "800 fragments", body: sentAs("{ ...f0 }" + numbered(800, "fragment f# on Query { a }"))},
		{name: "pages in pages", body: sentAs("{ providers(first: 500) { edges { node { appointments(first: 500) { edges { node { reservations(first: 500) { edges { node { id } } } } } } } } } }")},
		{name: "expensive filters", body: sentAs("{ clients(where: {or: [" + strings.Repeat("{hasReservationsWith: [{hasAppointmentWith: [{hasProvider: true}]}]} ", 120) + "]}) { totalCount } }")},
		{name: "a batch", body: same("[" + strings.Repeat(`{"query":"{ __typename }"},`, 30_000) + `{"query":"{ __typename }"}]`)},
		{name: "a bomb", body: func(*rand.Rand) []byte { return packed }, header: []string{"Content-Encoding", "gzip"}},
		{name: "a form", body: same("query={__typename}"), header: []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{name: "parts", body: same("--x\r\n\r\n--x--"), header: []string{"Content-Type", "multipart/form-data; boundary=x"}},
		{name: "unknown hashes", body: func(c *rand.Rand) []byte {
			return []byte(fmt.Sprintf(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"%064x"}}}`, c.Uint64()))
		}},
		{name: "new documents", body: func(c *rand.Rand) []byte {
			return asked(fmt.Sprintf("{ a%d: clients(first: 1) { totalCount } # %s\n}", c.Int(), strings.Repeat("x", c.IntN(20_000))), nil)
		}, does: true},
	}
}
