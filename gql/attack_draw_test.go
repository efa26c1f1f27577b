package gql_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/scalar"
	"docket/internal/viewer"
)

// mutation is one that somebody tries.
type mutation struct {
	who       viewer.Viewer
	field     string
	selection string
	of        string // the type of its input
	input     map[string]any
}

// about is the type of the rows that it is for.
func (m mutation) about() string {
	for typ := range tableOf {
		if strings.HasPrefix(m.field, strings.ToLower(typ)) {
			return typ
		}
	}
	return ""
}

func (m mutation) document() string {
	return fmt.Sprintf("mutation($in: %s!) { %s(input: $in) { %s } }", m.of, m.field, m.selection)
}

// MarshalJSON writes the input, which is all that is random.
func (m mutation) MarshalJSON() ([]byte, error) { return json.Marshal(m.input) }

// payloads are what is selected of a payload, as far as it has these fields.
var payloads = map[string]string{
	"client":       "{ id firstName version reservations { totalCount edges { node { id } } } providers { edges { node { id } } } }",
	"provider":     "{ id subject reservations { edges { node { id client { id lastName } } } } clients { totalCount edges { node { id } } } }",
	"appointment":  "{ id status provider { id } reservations { edges { node { id client { id } } } } }",
	"reservation":  "{ id state client { id } provider { id } appointment { id reservations { totalCount edges { node { id } } } } }",
	"appointments": "{ totalCount edges { node { id reservations { edges { node { id } } } } } }",
	"clients":      "{ id }", "providers": "{ id }", "deletedId": "",
}

// draw makes up a mutation. Mostly somebody tries what they may do with some row,
// half of the time with one of their own, or all would be refused for the same
// reason.
func (a *attack) draw() mutation {
	f := a.schema.Mutation.Fields[a.IntN(len(a.schema.Mutation.Fields))]
	for a.IntN(3) > 0 && !strings.HasPrefix(f.Name, "reservation") { // of which most can be said
		f = a.schema.Mutation.Fields[a.IntN(len(a.schema.Mutation.Fields))]
	}
	m := mutation{who: attackers[a.IntN(len(attackers))], field: f.Name, of: f.Arguments.ForName("input").Type.Name()}
	switch able := able(f.Name); {
	case strings.HasSuffix(f.Name, "Delete") && a.IntN(4) > 0: // or nobody would be left
		m.who = attackers[a.IntN(5)]
	case a.IntN(2) == 0:
		m.who = able[a.IntN(len(able))]
	}
	for _, p := range a.schema.Types[f.Type.Name()].Fields {
		if !strings.HasPrefix(p.Name, "__") {
			m.selection += p.Name + " " + payloads[p.Name] + " "
		}
	}
	a.drawn = m.who
	m.input = a.object(m.of, m.about())
	return m
}

// object is an input of a type, of a mutation that is about rows of another.
func (a *attack) object(of, about string) map[string]any {
	all := map[string]any{}
	for _, f := range a.schema.Types[of].Fields {
		if f.Type.NonNull || a.IntN(4) == 0 {
			all[f.Name] = a.value(f, about)
		}
	}
	if start, ok := all["startTime"].(time.Time); ok {
		all["endTime"] = start.Add(time.Duration(1+a.IntN(4)) * 15 * time.Minute)
	}
	return all
}

func (a *attack) value(f *ast.FieldDefinition, about string) any {
	switch {
	case f.Type.Elem != nil:
		return []any{a.object(f.Type.Name(), about), a.object(f.Type.Name(), about)}
	case f.Name == "idempotencyKey":
		return fmt.Sprint("key ", a.IntN(3))
	case f.Name == "subject":
		return []string{"ada", "ben", "mei", "pia", "zoe", fmt.Sprint("somebody ", a.IntN(1000))}[a.IntN(6)]
	case f.Name == "timeZone":
		return "Europe/Berlin"
	case f.Name == "id":
		return a.id(about)
	}
	switch f.Type.Name() {
	case "ID":
		return a.id(strings.ToUpper(f.Name[:1]) + strings.TrimSuffix(f.Name[1:], "Id"))
	case "Time":
		return monday.Add(time.Duration(20+a.IntN(200)) * time.Hour)
	case "Int":
		return 1 + a.IntN(3)
	}
	return []string{"Ada", "Kaya", "Zoë", "O'Neil", "Demir", " "}[a.IntN(6)]
}

// able are those of the attackers who may do such a thing with some row.
func able(field string) []viewer.Viewer {
	is := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(field, name) })
	}
	zoe, admin := attackers[6], attackers[5]
	switch {
	case is("reservation", "clientUpdate"):
		return []viewer.Viewer{actors["client"], actors["other client"], zoe, admin}
	case is("appointment", "providerUpdate"):
		return []viewer.Viewer{actors["provider"], actors["other provider"], zoe, admin}
	}
	return []viewer.Viewer{admin}
}

// id is that of a row of the type, mostly, and often of one of the viewer's own.
func (a *attack) id(typ string) string {
	all, own := a.rows.of(typ), []int{}
	for _, id := range all {
		row := a.rows[tableOf[typ]][id]
		if a.rows.mine(a.drawn, tableOf[typ], row["id"]) || a.rows.mine(a.drawn, "clients", row["client_id"]) || a.rows.mine(a.drawn, "providers", row["provider_id"]) {
			own = append(own, id)
		}
	}
	switch n := a.IntN(24); {
	case n == 0 || len(all) == 0:
		return scalar.FormatID(scalar.FirstID(typ) + a.IntN(1000))
	case n == 1:
		return a.id([]string{"Client", "Provider", "Appointment", "Reservation"}[a.IntN(4)])
	case n < 14 && len(own) > 0:
		all = own
	}
	return scalar.FormatID(all[a.IntN(len(all))])
}
