package gql_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

// FuzzInput gives any JSON as the input of any mutation.
func FuzzInput(f *testing.F) {
	d := newDesk(f)
	for i, m := range d.mutations {
		for _, input := range slices.Concat(nastyInputs[m.Name], []string{"", "null", "[]", "{}", "1e999", `"x"`, `[{"id":null}]`, `{"__typename":1}`}) {
			f.Add(uint8(i), input)
		}
	}
	f.Fuzz(func(t *testing.T, mutation uint8, input string) {
		d.judge(t, d.mutations[int(mutation)%len(d.mutations)], input)
	})
}

// FuzzFields fills the fields of an input one by one, each with what fits it or
// with what nearly does, so that more of them come as far as the database.
func FuzzFields(f *testing.F) {
	d := newDesk(f)
	for i := range d.mutations {
		f.Add(uint8(i), []byte{}, "Ada", int64(1))
		f.Add(uint8(i), []byte{1, 1, 1, 1, 1, 1, 1, 1}, "\u202eeman", int64(1<<31))
		f.Add(uint8(i), []byte{0, 1, 0, 2, 3, 4, 0, 5, 6, 7, 8, 9, 10, 11, 12}, "O’Brien\u0301", int64(-1<<63))
	}
	f.Fuzz(func(t *testing.T, mutation uint8, choices []byte, text string, number int64) {
		m := d.mutations[int(mutation)%len(d.mutations)]
		w := &writer{schema: d.schema, choices: choices, text: text, number: number}
		input, err := json.Marshal(w.value(m.Arguments[0].Type))
		if err != nil {
			t.Fatal(err)
		}
		d.judge(t, m, string(input))
	})
}

// FuzzVariables gives any JSON as the variables of a list: its filter, order, page
// and cursors.
func FuzzVariables(f *testing.F) {
	d := newDesk(f)
	for _, variables := range []string{
		"", "null", "[]", "{}", `{"first":0}`, `{"first":-1}`, `{"first":"1"}`, `{"first":1.5}`, `{"first":1e3,"last":1}`, `{"last":9223372036854775808}`, `{"after":""}`, `{"before":1}`, `{"after":["x"]}`,
		`{"where":{}}`, `{"where":[{}]}`, `{"where":{"not":{"not":{"or":[]}}}}`, `{"where":{"and":{"id":"x"}}}`, `{"where":{"idIn":"Q2xpZW50OjE="}}`, `{"where":{"idIn":[null]}}`, `{"where":{"or":[[{}]]}}`,
		`{"where":{"firstNameContains":"%_\\"}}`, `{"where":{"firstName":1}}`, `{"where":{"firstNameIn":["A",1]}}`, `{"where":{"firstName":"\u0000"}}`, `{"where":{"version":"1"}}`, `{"where":{"versionGT":1e400}}`,
		`{"where":{"version":-9223372036854775808}}`, `{"where":{"versionIn":[1,2.0,"3"]}}`, `{"where":{"createdAt":"2030-01-07T08:00:00+99:00"}}`, `{"where":{"createdAtIn":[1]}}`, `{"where":{"createdAtLT":{}}}`,
		`{"where":{"hasReservationsWith":[{"state":"x"}]}}`, `{"where":{"hasReservations":"true"}}`, `{"where":{"__typename":"x"}}`, `{"where":{"firstName":null,"nope":null}}`,
		`{"orderBy":{}}`, `{"orderBy":{"field":"LAST_NAME"}}`, `{"orderBy":{"field":"LAST_NAME","direction":1}}`, `{"orderBy":{"field":"last_name","direction":"ASC"}}`, `{"orderBy":[{"field":"ID","direction":"DESC"}]}`,
		`{"ids":null}`, `{"ids":"Q2xpZW50OjE="}`, `{"ids":[["Q2xpZW50OjE="]]}`, `{"ids":[1]}`, `{"x":1}`, `{"where":` + strings.Repeat(`{"not":`, 50) + "{}" + strings.Repeat("}", 51),
	} {
		for list := range uint8(4) {
			f.Add(list, variables)
		}
	}
	f.Fuzz(func(t *testing.T, list uint8, variables string) {
		typ := []string{"Client", "Provider", "Appointment", "Reservation"}[list%4]
		query := fmt.Sprintf(`query($where: %[1]sWhereInput, $orderBy: %[1]sOrder, $first: Int, $last: Int, $after: Cursor, $before: Cursor, $ids: [ID!]! = []) {
			%[2]ss(where: $where, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before) { totalCount edges { cursor node { id } } }
			nodes(ids: $ids) { id } }`, typ, strings.ToLower(typ))
		d.open(t)
		d.answer(t, fmt.Sprintf(`{"query": %q, "variables": %s}`, query, variables), variables)
	})
}

// nastyInputs are those that come nearest to what could go wrong, by mutation.
// Q2xpZW50OjE= is the client 1 and UHJvdmlkZXI6MQ== the provider 1.
var nastyInputs = map[string][]string{
	"clientCreate": {
		`{"firstName":"Ada","lastName":"Nowak","idempotencyKey":"k"}`, `{"firstName":"\ud800","lastName":"B"}`, `{"firstName":"A\u0000","lastName":"B"}`,
		`{"firstName":"\u2028\u202e","lastName":"\ufeff"}`, `{"firstName":"\ufffd","lastName":"B"}`, `{"firstName":12,"lastName":"B"}`, `{"firstName":["A"],"lastName":{}}`,
		`{"firstName":true,"lastName":"B"}`, `{"firstName":"A","lastName":"B","idempotencyKey":""}`, `{"firstName":"A","lastName":"B","idempotencyKey":12}`,
		`{"firstName":"A","firstName":"C","lastName":"B","idempotencyKey":null}`, `{"firstName":"` + strings.Repeat("é", 100) + `","lastName":"'; DROP TABLE clients; --"}`,
		`{"firstName":"` + strings.Repeat("x", 101) + `","lastName":"B","idempotencyKey":"` + strings.Repeat("k", 256) + `"}`, `{"FirstName":"A","lastName":"B"}`,
		`{"firstName":"A","lastName":"B","subject":"x"}`, `{"firstName":"A","lastName":"B","__typename":"C","idempotencyKey":"k"}`, `{"firstName":"\u0300","lastName":"\u00a0."}`,
	},
	"clientUpdate": {
		`{"id":"Q2xpZW50OjE=","firstName":"Eda","expectedVersion":1,"idempotencyKey":"k"}`, `{"id":"Q2xpZW50OjE=","expectedVersion":"1"}`, `{"id":"Q2xpZW50OjE=","expectedVersion":1.0}`,
		`{"id":"Q2xpZW50OjE=","expectedVersion":1e0,"firstName":"Eda"}`, `{"id":"Q2xpZW50OjE=","expectedVersion":9223372036854775807}`, `{"id":"Q2xpZW50OjE=","expectedVersion":9223372036854775808}`,
		`{"id":"Q2xpZW50OjE=","expectedVersion":-1}`, `{"id":"Q2xpZW50OjE=","expectedVersion":true}`, `{"id":"Q2xpZW50OjE=","firstName":null}`, `{"id":"Q2xpZW50OjE="}`, `{"id":1}`, `{"id":1.5}`,
		`{"id":"UHJvdmlkZXI6MQ==","firstName":"Eda"}`, `{"id":"Q2xpZW50OjQyOTQ5NjcyOTU=","firstName":"Eda"}`, `{"id":"Q2xpZW50OjE=\n"}`, `{"id":{"a":1},"expectedVersion":[1]}`,
	},
	"providerUpdate": {
		`{"id":"UHJvdmlkZXI6MQ==","timeZone":"Europe/Berlin","idempotencyKey":"k"}`, `{"id":"UHJvdmlkZXI6MQ==","timeZone":"Local"}`, `{"id":"UHJvdmlkZXI6MQ==","timeZone":""}`,
		`{"id":"UHJvdmlkZXI6MQ==","timeZone":"../../etc/passwd"}`, `{"id":"UHJvdmlkZXI6MQ==","timeZone":"europe/berlin"}`, `{"id":"UHJvdmlkZXI6MQ==","timeZone":null}`,
	},
	"clientBulkCreate": {
		`{"clients":[]}`, `{"clients":{"firstName":"A","lastName":"B"},"idempotencyKey":"k"}`, `{"clients":[null]}`, `{"clients":[[{"firstName":"A","lastName":"B"}]]}`,
		`{"clients":[{"firstName":"A","lastName":"B"},{"firstName":"C","lastName":"D"}],"idempotencyKey":"k"}`, `{"clients":[{"firstName":"A","lastName":"B"},{"firstName":"","lastName":"D"}]}`,
		`{"clients":[{"firstName":"A","lastName":1}]}`, `{"clients":"x"}`, `{"clients":null}`, `{"clients":[` + strings.Repeat(`{"firstName":"A","lastName":"B"},`, 1000) + `{"firstName":"A","lastName":"B"}]}`,
	},
	"appointmentBulkCreate": {
		`{"providerId":"UHJvdmlkZXI6MQ==","startTime":"2030-02-07T09:00:00Z","endTime":"2030-02-07T10:00:00+00:00","idempotencyKey":"k"}`,
		`{"providerId":"UHJvdmlkZXI6MQ==","startTime":"0001-01-01T00:00:00Z","endTime":"9998-12-31T23:45:00Z"}`, `{"providerId":"UHJvdmlkZXI6MQ==","startTime":"9998-12-31T23:45:00Z","endTime":"9998-12-31T23:59:59Z"}`,
		`{"providerId":"UHJvdmlkZXI6MQ==","startTime":"2030-01-08T08:07:00Z","endTime":"2030-01-08T08:22:00Z"}`, `{"providerId":"UHJvdmlkZXI6MQ==","startTime":"0001-01-01T00:00:00Z","endTime":"0001-01-01T00:15:00Z"}`,
		`{"providerId":"UHJvdmlkZXI6OTk=","startTime":"2030-02-07T09:00:00Z","endTime":"2030-02-07T10:00:00Z"}`, `{"providerId":"UHJvdmlkZXI6MQ==","startTime":1,"endTime":{}}`,
	},
	"reservationCreate": {
		`{"clientId":"Q2xpZW50OjQ=","appointmentId":"QXBwb2ludG1lbnQ6NQ==","idempotencyKey":"k"}`, `{"clientId":"Q2xpZW50OjQ=","appointmentId":"Q2xpZW50OjQ="}`,
		`{"clientId":"Q2xpZW50Ojk5","appointmentId":"QXBwb2ludG1lbnQ6NQ=="}`, `{"clientId":["Q2xpZW50OjQ="],"appointmentId":null}`,
	},
}

// writer writes an input by its type. Each choice is a byte; when there are no
// more, it takes what fits.
type writer struct {
	schema  *ast.Schema
	choices []byte
	text    string
	number  int64
}

func (w *writer) choice() byte {
	if len(w.choices) == 0 {
		return 0
	}
	c := w.choices[0]
	w.choices = w.choices[1:]
	return c
}

func (w *writer) value(typ *ast.Type) any {
	c := w.choice()
	switch c % 16 {
	case 13:
		return nil
	case 14:
		return []any{w.text, w.number, nil, true, 1.5, map[string]any{w.text: w.number}}[w.choice()%6]
	case 15:
		return []any{w.fitting(typ)}
	}
	return w.fitting(typ)
}

func (w *writer) fitting(typ *ast.Type) any {
	if typ.Elem != nil {
		all := []any{}
		for range 1 + w.choice()%3 {
			all = append(all, w.value(typ.Elem))
		}
		return all
	}
	c := int(w.choice())
	switch name := typ.NamedType; {
	case w.schema.Types[name].Kind == ast.InputObject:
		object := map[string]any{}
		for _, f := range w.schema.Types[name].Fields {
			if f.Type.NonNull || w.choice()%3 > 0 {
				object[f.Name] = w.value(f.Type)
			}
		}
		return object
	case name == "ID":
		return someIDs[c%len(someIDs)]
	case name == "Int":
		return []any{1, 2, w.number}[c%3]
	case name == "Time":
		return append(someTimes, w.text)[c%(len(someTimes)+1)]
	}
	return append(someTexts, w.text)[len(someTexts)-c%(len(someTexts)+1)]
}

var (
	someIDs = []string{
		"Q2xpZW50OjE=", "UHJvdmlkZXI6MQ==", "QXBwb2ludG1lbnQ6NQ==", "UmVzZXJ2YXRpb246Mw==", "Q2xpZW50OjI=", "Q2xpZW50OjM=", "Q2xpZW50OjQ=", "UHJvdmlkZXI6Mg==", "UHJvdmlkZXI6Mw==",
		"QXBwb2ludG1lbnQ6MQ==", "QXBwb2ludG1lbnQ6Mw==", "QXBwb2ludG1lbnQ6NA==", "QXBwb2ludG1lbnQ6OA==", "QXBwb2ludG1lbnQ6MTY=", "UmVzZXJ2YXRpb246MQ==", "UmVzZXJ2YXRpb246Mg==", "UmVzZXJ2YXRpb246NA==", "Q2xpZW50Ojk5",
	}
	someTimes = []string{
		"2030-01-09T08:00:00Z", "2030-01-09T09:00:00Z", "2030-01-08T08:00:00Z", "2030-01-08T08:07:00Z", "2030-01-08T10:15:00+00:00", "2030-02-10T08:00:00-05:00", "0001-01-01T00:00:00Z", "9998-12-31T23:45:00Z",
	}
	someTexts = []string{"Ada", "Europe/Berlin", "key", "A\x00", "\ufffd", " ", "\u2028", `\"`, strings.Repeat("𝒳", 100)}
)
