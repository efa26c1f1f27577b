package gql_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/gql"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/scalar"
	"docket/internal/viewer"
)

// actors are those who ask in these tests.
var actors = map[string]viewer.Viewer{
	"anonymous":      {},
	"client":         {Subject: "ada", Roles: []viewer.Role{viewer.Client}},
	"other client":   {Subject: "ben", Roles: []viewer.Role{viewer.Client}},
	"provider":       {Subject: "mei", Roles: []viewer.Role{viewer.Provider}},
	"other provider": {Subject: "pia", Roles: []viewer.Role{viewer.Provider}},
	"admin":          {Subject: "eva", Roles: []viewer.Role{viewer.Admin}},
}

// columns are the actors in the order of the table.
var columns = []string{"anonymous", "client", "other client", "provider", "other provider", "admin"}

// stage is an API with a few rows that have names.
type stage struct {
	*api
	ids map[string]string // by name
}

func (s stage) name(id any) string {
	for name, known := range s.ids {
		if known == id {
			return name
		}
	}
	return fmt.Sprintf("new %v", id)
}

// setStage fills a database with what aboutStage tells.
func setStage(t *testing.T, db *database.DB) stage {
	t.Helper()
	s := stage{serve(t, db), map[string]string{}}
	ctx := booking.NewContext(entity.Service(t.Context()), booking.Moment{Now: monday, Rules: booking.DefaultRules()})
	providers, clients, slots := map[string]int{}, map[string]int{}, map[string]*orm.Appointment{}
	for _, name := range []string{"Mei", "Pia"} {
		providers[name] = s.orm.Provider.Create().SetFirstName(name).SetLastName("P.").SetSubject(strings.ToLower(name)).SaveX(ctx).ID
		s.ids[name] = scalar.FormatID(providers[name])
	}
	for _, name := range []string{"Ada", "Ben", "Kim"} {
		clients[name] = s.orm.Customer.Create().SetFirstName(name).SetLastName("C.").SetSubject(strings.ToLower(name)).SaveX(ctx).ID
		s.ids[name] = scalar.FormatID(clients[name])
	}
	for _, a := range []struct {
		name, provider, status string
		in                     time.Duration
	}{
		{"M1", "Mei", "OPEN", 48 * time.Hour},
		{"M2", "Mei", "OPEN", 50 * time.Hour},
		{"M3", "Mei", "CANCELLED", 52 * time.Hour},
		{"M4", "Mei", "OPEN", 54 * time.Hour},
		{"M5", "Mei", "OPEN", time.Hour},
		{"P1", "Pia", "OPEN", 48 * time.Hour},
		{"P2", "Pia", "OPEN", 50 * time.Hour},
	} {
		create := s.orm.Appointment.Create().SetProviderID(providers[a.provider]).SetTimeSlot(monday.Add(a.in)).SetEndsAt(monday.Add(a.in + 15*time.Minute))
		if a.status == "CANCELLED" {
			create.SetStatus("CANCELLED")
		}
		slots[a.name] = create.SaveX(ctx)
		s.ids[a.name] = scalar.FormatID(slots[a.name].ID)
	}
	for _, r := range []struct {
		client, slot string
		expiry       time.Duration
		confirmed    bool
	}{{"Ada", "M1", time.Minute, true}, {"Ben", "M4", -time.Minute, false}, {"Ben", "P1", time.Minute, false}} {
		a, until := slots[r.slot], monday.Add(r.expiry)
		create := s.orm.Reservation.Create().SetClientID(clients[r.client]).SetAppointmentID(a.ID).SetProviderID(a.ProviderID).
			SetTimeSlot(a.TimeSlot).SetEndsAt(a.EndsAt).SetExpiry(until).SetActiveFrom(monday.Add(-time.Hour)).SetActiveUntil(until)
		if r.confirmed {
			create.SetState("CONFIRMED").SetConfirmedAt(monday).SetNillableActiveUntil(nil)
			create.Mutation().ResetActiveUntil()
		}
		name := r.client + "@" + r.slot
		s.ids[name] = scalar.FormatID(create.SaveX(ctx).ID)
	}
	for _, c := range s.orm.Change.Query().AllX(ctx) {
		s.ids["+"+s.name(scalar.FormatID(c.RowID))] = scalar.FormatID(c.ID)
	}
	return s
}

const aboutStage = `Who may do what, found out by a test that asks for everything as everyone (` + "`gql/access_test.go`" + `) on both databases.

There are the providers Mei (the provider) and Pia (the other provider); the clients Ada (the client), Ben (the other
client) and Kim; Mei's slots M1, which Ada has confirmed, M2, which is free, M3, which is withdrawn, M4, which Ben held until
that ended and which is free again, and M5, which is free but starts too soon; Pia's slots P1, which Ben holds, and P2,
which is free. The reservations are Ada@M1, Ben@M4 and Ben@P1. That each of them was created is noted as +Ada and so on.
`

// The matrix holds who may do what against docs/access.md. A change that is meant
// is written with -update.
func TestAccess(t *testing.T) {
	t.Parallel()
	schema, err := gql.Schema()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setStage(t, dbtest.Open(t, name))
			var page bytes.Buffer
			page.WriteString("# Who may do what\n\n" + aboutStage)
			page.WriteString("\n## Rows\n\nWhich rows the fields of Query lead to.\n\n")
			table(&page, "field", s.roots(t, schema))
			page.WriteString("\n## Fields\n\nOf which rows a field has a value, and where an edge leads from them.\n\n")
			table(&page, "field", s.fields(t, schema))
			page.WriteString("\n## Mutations\n\nWhat comes of a mutation: done, or the code of its error.\n\n")
			table(&page, "mutation", mutations(t, name, schema))
			pinned(t, "../docs/access.md", page.Bytes())
		})
	}
}

// outcome is a row of the table: what came of one thing, by actor.
type outcome struct {
	what string
	of   map[string]string
}

func table(page *bytes.Buffer, what string, all []outcome) {
	fmt.Fprintf(page, "| %s | %s |\n|---|%s\n", what, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, o := range all {
		fmt.Fprintf(page, "| %s |", o.what)
		for _, who := range columns {
			cell := o.of[who]
			if cell == "" {
				cell = "–"
			} else if who != "admin" && cell == o.of["admin"] && strings.Count(cell, " ") > 1 {
				cell = "all"
			}
			fmt.Fprintf(page, " %s |", cell)
		}
		page.WriteByte('\n')
	}
}

// asEach asks as each actor.
func (s stage) asEach(t *testing.T, what string, ask func(s stage) string) outcome {
	t.Helper()
	o := outcome{"`" + what + "`", map[string]string{}}
	for _, who := range columns {
		o.of[who] = ask(stage{s.as(actors[who]), s.ids})
	}
	return o
}

// ofType are the names of the rows of a type, in order.
func (s stage) ofType(typ string) (names []string) {
	for name, id := range s.ids {
		if n, err := scalar.ParseID(id); err == nil && (typ == "Node" || scalar.TypeOf(n) == typ) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

type connection struct {
	TotalCount int
	Edges      []struct{ Node map[string]any }
}

func (s stage) namesOf(t *testing.T, c connection) string {
	t.Helper()
	var names []string
	for _, e := range c.Edges {
		names = append(names, s.name(e.Node["id"]))
	}
	if c.TotalCount != len(names) {
		t.Errorf("%s sees %q, and a total of %d", s.who.Subject, names, c.TotalCount)
	}
	return strings.Join(names, " ")
}

// roots are which rows each field of Query leads to.
func (s stage) roots(t *testing.T, schema *ast.Schema) (all []outcome) {
	t.Helper()
	for _, f := range schema.Query.Fields {
		typ := f.Type.Name()
		switch {
		case strings.HasPrefix(f.Name, "__"):
		case strings.HasSuffix(typ, "Connection"):
			all = append(all, s.asEach(t, f.Name, func(s stage) string {
				var v struct{ All connection }
				s.must(t, &v, "{ all: "+f.Name+"(first: 100) { totalCount edges { node { id } } } }", nil)
				return s.namesOf(t, v.All)
			}))
		case f.Name == "viewer":
			all = append(all, s.asEach(t, f.Name, func(s stage) string {
				var v struct {
					Viewer struct {
						Roles            []string
						Client, Provider *node
					}
				}
				s.must(t, &v, "{ viewer { roles client { id } provider { id } } }", nil)
				text := strings.Join(v.Viewer.Roles, " ")
				for _, own := range []*node{v.Viewer.Client, v.Viewer.Provider} {
					if own != nil {
						text += " " + s.name(own.ID)
					}
				}
				return text
			}))
		default:
			all = append(all, s.asEach(t, f.Name, func(s stage) string {
				var seen []string
				for _, name := range s.ofType(typ) {
					argument := "id: " + fmt.Sprintf("%q", s.ids[name])
					if f.Name == "nodes" {
						argument = "ids: [" + fmt.Sprintf("%q", s.ids[name]) + "]"
					}
					r := s.run(t, "{ it: "+f.Name+"("+argument+") { id } }", nil)
					if strings.Contains(string(r.Data), s.ids[name]) {
						seen = append(seen, name)
					} else if len(r.Errors) > 0 {
						t.Errorf("%s(%s): %+v", f.Name, name, r.Errors)
					}
				}
				return strings.Join(seen, " ")
			}))
		}
	}
	return all
}

// fields are of which rows each field has a value, and where edges lead.
func (s stage) fields(t *testing.T, schema *ast.Schema) (all []outcome) {
	t.Helper()
	for _, typ := range schema.GetPossibleTypes(schema.Types["Node"]) {
		for _, f := range typ.Fields {
			if f.Name == "id" || strings.HasPrefix(f.Name, "__") {
				continue
			}
			many, one := strings.HasSuffix(f.Type.Name(), "Connection"), schema.Types[f.Type.Name()].Kind == ast.Object
			selection := f.Name
			if many {
				selection += "(first: 100) { totalCount edges { node { id } } }"
			} else if one {
				selection += " { id }"
			}
			o := s.asEach(t, typ.Name+"."+f.Name, func(s stage) string {
				var has []string
				for _, name := range s.ofType(typ.Name) {
					var v struct {
						Node map[string]json.RawMessage
					}
					s.must(t, &v, fmt.Sprintf("{ node(id: %q) { ... on %s { it: %s } } }", s.ids[name], typ.Name, selection), nil)
					text := string(v.Node["it"])
					switch {
					case text == "" || text == "null":
					case many:
						var c connection
						if err := json.Unmarshal(v.Node["it"], &c); err != nil {
							t.Fatal(err)
						}
						if to := s.namesOf(t, c); to != "" {
							has = append(has, name+"("+to+")")
						}
					case one:
						var to node
						if err := json.Unmarshal(v.Node["it"], &to); err != nil {
							t.Fatal(err)
						}
						has = append(has, name+"("+s.name(to.ID)+")")
					default:
						has = append(has, name)
					}
				}
				return strings.Join(has, " ")
			})
			if f.Name == "databaseUser" { // SQLite has no users
				o.of["admin"] = "those of PostgreSQL"
			}
			all = append(all, o)
		}
	}
	return all
}

// attempt is a mutation, and whose row it is about.
type attempt struct{ field, about, input, selection string }

// attempts are every mutation, with rows of the one and of the other. In an input,
// <name> is the id of the row with that name.
var attempts = []attempt{
	{"clientCreate", "", `firstName: "Ida", lastName: "C."`, "client { id }"},
	{"clientCreate", "with a subject", `firstName: "Ida", lastName: "C.", subject: "ida"`, "client { id }"},
	{"clientBulkCreate", "", `clients: [{firstName: "Ida", lastName: "C."}]`, "clients { id }"},
	{"clientUpdate", "Ada", `id: "<Ada>", lastName: "D."`, "client { id }"},
	{"clientUpdate", "Ben", `id: "<Ben>", lastName: "D."`, "client { id }"},
	{"clientUpdate", "Kim", `id: "<Kim>", lastName: "D."`, "client { id }"},
	{"clientUpdate", "the subject of Ada", `id: "<Ada>", subject: "ida"`, "client { id }"},
	{"clientUpdate", "Ben, with a version", `id: "<Ben>", lastName: "D.", expectedVersion: 7`, "client { id }"},
	{"clientDelete", "Ada", `id: "<Ada>"`, "deletedId"},
	{"clientDelete", "Ben, with a version", `id: "<Ben>", expectedVersion: 7`, "deletedId"},
	{"providerCreate", "", `firstName: "Ida", lastName: "P."`, "provider { id }"},
	{"providerBulkCreate", "", `providers: [{firstName: "Ida", lastName: "P."}]`, "providers { id }"},
	{"providerUpdate", "Mei", `id: "<Mei>", lastName: "D."`, "provider { id }"},
	{"providerUpdate", "the subject of Mei", `id: "<Mei>", subject: null`, "provider { id }"},
	{"providerDelete", "Mei", `id: "<Mei>"`, "deletedId"},
	{"appointmentBulkCreate", "Mei", `providerId: "<Mei>", startTime: "2030-01-10T08:00:00Z", endTime: "2030-01-10T08:30:00Z"`, "appointments { totalCount }"},
	{"appointmentBulkCreate", "Mei, across a slot", `providerId: "<Mei>", startTime: "2030-01-09T07:50:00Z", endTime: "2030-01-09T08:20:00Z"`, "appointments { totalCount }"},
	{"appointmentCancel", "M1", `appointmentId: "<M1>"`, "appointment { id }"},
	{"appointmentCancel", "M2", `appointmentId: "<M2>"`, "appointment { id }"},
	{"appointmentCancel", "M3", `appointmentId: "<M3>"`, "appointment { id }"},
	{"reservationCreate", "M2 for Ada", `clientId: "<Ada>", appointmentId: "<M2>"`, "reservation { id }"},
	{"reservationCreate", "M2 for Ben", `clientId: "<Ben>", appointmentId: "<M2>"`, "reservation { id }"},
	{"reservationCreate", "P1, which is held, for Ada", `clientId: "<Ada>", appointmentId: "<P1>"`, "reservation { id }"},
	{"reservationCreate", "M3, which is withdrawn, for Ada", `clientId: "<Ada>", appointmentId: "<M3>"`, "reservation { id }"},
	{"reservationCreate", "M5, which is too soon, for Ada", `clientId: "<Ada>", appointmentId: "<M5>"`, "reservation { id }"},
	{"reservationCreate", "P1, for Kim", `clientId: "<Kim>", appointmentId: "<P1>"`, "reservation { id }"},
	{"reservationConfirm", "Ada@M1", `reservationId: "<Ada@M1>"`, "reservation { id }"},
	{"reservationConfirm", "Ben@P1", `reservationId: "<Ben@P1>"`, "reservation { id }"},
	{"reservationConfirm", "Ben@M4", `reservationId: "<Ben@M4>"`, "reservation { id }"},
	{"reservationCancel", "Ada@M1", `reservationId: "<Ada@M1>"`, "reservation { id }"},
	{"reservationCancel", "Ben@P1, with a version", `reservationId: "<Ben@P1>", expectedVersion: 7`, "reservation { id }"},
	{"reservationReschedule", "Ada@M1 to P2", `reservationId: "<Ada@M1>", appointmentId: "<P2>"`, "reservation { id }"},
	{"reservationReschedule", "Ben@P1 to P2", `reservationId: "<Ben@P1>", appointmentId: "<P2>"`, "reservation { id }"},
}

// mutations are what comes of each attempt. What is refused changes nothing.
func mutations(t *testing.T, dialect string, schema *ast.Schema) (all []outcome) {
	t.Helper()
	for _, f := range schema.Mutation.Fields {
		if !slices.ContainsFunc(attempts, func(a attempt) bool { return a.field == f.Name }) {
			t.Errorf("%s is not tried", f.Name)
		}
	}
	s := setStage(t, dbtest.Open(t, dialect))
	for _, a := range attempts {
		o := outcome{strings.TrimSpace("`" + a.field + "` " + a.about), map[string]string{}}
		for _, who := range columns {
			before := s.everything(t)
			if o.of[who] = s.attempt(t, a, who); o.of[who] == "done" {
				s = setStage(t, dbtest.Open(t, dialect))
			} else if s.everything(t) != before {
				t.Errorf("%s %s by the %s was refused with %s and changed something", a.field, a.about, who, o.of[who])
			}
		}
		all = append(all, o)
	}
	return all
}

func (s stage) attempt(t *testing.T, a attempt, who string) string {
	t.Helper()
	for name, id := range s.ids {
		a.input = strings.ReplaceAll(a.input, "<"+name+">", id)
	}
	r := s.as(actors[who]).run(t, fmt.Sprintf("mutation { %s(input: {%s}) { %s } }", a.field, a.input, a.selection), nil)
	if len(r.Errors) == 0 {
		return "done"
	}
	return fmt.Sprint(r.code())
}

// everything is all that an admin sees, with its versions.
func (s stage) everything(t *testing.T) string {
	t.Helper()
	var text string
	for _, all := range []string{"clients", "providers", "appointments", "reservations"} {
		text += string(s.run(t, "{ "+all+"(first: 100) { edges { node { id version updatedAt } } } }", nil).Data)
	}
	return text
}
