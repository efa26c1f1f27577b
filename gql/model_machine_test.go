package gql_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"docket/ent/entity"
	"docket/internal/booking"
)

// machine does the same to the API and to the model, and compares them.
type machine struct {
	*api
	t *testing.T
	// worlds are what there may be: more than one, where several orders explain what
	// was done at once. They differ in what nobody has asked for yet.
	worlds   []model
	past     []op
	gone     []string // ids of rows that were deleted
	keys     int
	compared int // operations
}

func (m *machine) now() time.Time { return m.worlds[0].now }

// inputs say what of an operation goes where.
var inputs = map[string]func(o op) map[string]any{
	"clientCreate":      func(o op) map[string]any { return map[string]any{"firstName": o.name, "lastName": "Nowak"} },
	"clientUpdate":      func(o op) map[string]any { return map[string]any{"id": o.id, "firstName": o.name} },
	"clientDelete":      func(o op) map[string]any { return map[string]any{"id": o.id} },
	"appointmentCancel": func(o op) map[string]any { return map[string]any{"appointmentId": o.id} },
	"appointmentBulkCreate": func(o op) map[string]any {
		return map[string]any{"providerId": o.provider, "startTime": o.start, "endTime": o.end}
	},
	"reservationCreate":  func(o op) map[string]any { return map[string]any{"clientId": o.client, "appointmentId": o.slot} },
	"reservationConfirm": func(o op) map[string]any { return map[string]any{"reservationId": o.id} },
	"reservationCancel":  func(o op) map[string]any { return map[string]any{"reservationId": o.id} },
	"reservationReschedule": func(o op) map[string]any {
		return map[string]any{"reservationId": o.id, "appointmentId": o.slot}
	},
}

// variables are the input of an operation.
func (o op) variables() map[string]any {
	input := inputs[strings.Replace(o.verb, "provider", "client", 1)](o)
	if o.key != "" {
		input["idempotencyKey"] = o.key
	}
	if o.expected != 0 {
		input["expectedVersion"] = o.expected
	}
	return input
}

// answer is what the API says.
type answer struct {
	code  string
	facts map[string]any
	ids   []string // the row's, or the open slots' in the order of their start
	rows  []string // what is told of them
	slots []shownSlot
	claim *shownClaim
}

// selection is all that the payload of a verb can show.
func selection(verb string) string {
	switch {
	case verb == "appointmentBulkCreate":
		return "appointments(first: 500) { edges { node " + slotFields + " } }"
	case strings.HasSuffix(verb, "Delete"):
		return "deletedId"
	case verb == "appointmentCancel":
		return "appointment " + slotFields
	case strings.HasPrefix(verb, "reservation"):
		return "reservation " + claimFields
	}
	return strings.ToLower(typeOf(verb)) + " " + personFields
}

// send does an operation.
func (m *machine) send(o op) (got answer) {
	r := m.run(m.t, fmt.Sprintf("mutation($in: %s!) { it: %s(input: $in) { %s } }",
		strings.ToUpper(o.verb[:1])+o.verb[1:]+"Input", o.verb, selection(o.verb)), map[string]any{"in": o.variables()})
	if len(r.Errors) > 0 {
		got.code, _ = r.Errors[0].Extensions["code"].(string)
		got.facts = maps.Clone(r.Errors[0].Extensions)
		delete(got.facts, "code")
		return got
	}
	var data struct {
		It struct {
			DeletedID        string
			Client, Provider *shownPerson
			Appointment      *shownSlot
			Reservation      *shownClaim
			Appointments     edges[shownSlot]
		}
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		m.t.Errorf("%v in %s", err, r.Data)
	}
	show := func(id, told string) { got.ids, got.rows = append(got.ids, id), append(got.rows, told) }
	switch it := data.It; {
	case it.Client != nil:
		show(it.Client.ID, it.Client.tell())
	case it.Provider != nil:
		show(it.Provider.ID, it.Provider.tell())
	case it.Appointment != nil:
		show(it.Appointment.ID, it.Appointment.tell())
	case it.Reservation != nil:
		show(it.Reservation.ID, it.Reservation.tell())
		got.claim = it.Reservation
	case it.DeletedID != "":
		got.ids = []string{it.DeletedID}
	}
	for _, e := range data.It.Appointments.Edges {
		show(e.Node.ID, e.Node.tell())
		got.slots = append(got.slots, e.Node)
	}
	return got
}

// agrees reports whether a denial is the one that the API gave.
func (r denial) agrees(got answer) bool {
	return r.code == got.code && (r.backstop || reflect.DeepEqual(r.facts, got.facts))
}

// do does an operation on both sides.
func (m *machine) do(t *rapid.T, o op) { m.explain(t, []op{o}, []answer{m.send(o)}, nil) }

func (m *machine) remember(o op, got answer) {
	if strings.HasSuffix(o.verb, "Delete") && got.code == "" {
		m.gone = append(m.gone, o.id)
	}
	m.past = append(m.past, o)
	m.compared++
}

// begin empties the database and makes a few people, with slots to book.
func (m *machine) begin(t *rapid.T) {
	ctx := booking.NewContext(entity.Service(m.t.Context()), booking.Moment{Now: monday})
	for _, clear := range []func() error{
		func() error { _, err := m.orm.Customer.Delete().Exec(ctx); return err },
		func() error { _, err := m.orm.Provider.Delete().Exec(ctx); return err },
		func() error { _, err := m.orm.IdempotencyKey.Delete().Exec(ctx); return err },
	} {
		if err := clear(); err != nil {
			m.t.Fatal(err)
		}
	}
	m.clock.Set(monday)
	m.log.Reset() // of a check that failed, and is tried again
	m.worlds, m.past, m.gone, m.keys = []model{newModel(monday)}, nil, nil, 0
	for range 2 {
		m.do(t, op{verb: "clientCreate", name: "Ada"})
		m.do(t, op{verb: "providerCreate", name: "Ada"})
	}
	for i, p := range oldest(m.worlds[0].providers) { // their slots overlap, and are not the same
		start := monday.Add(25*time.Hour + time.Duration(i)*5*time.Minute)
		m.do(t, op{verb: "appointmentBulkCreate", provider: p, start: start, end: start.Add(2 * slotLength)})
	}
}

// read is all that the API shows.
func (m *machine) read() (v shown) {
	m.must(m.t, &v, everything, nil)
	return v
}

// compare holds all that the API shows against the model.
// No constraint had to refuse what the gate let through: that would be logged.
func (m *machine) compare(t *rapid.T) {
	if m.log.Len() > 0 {
		t.Fatalf("the log has %s", m.log)
	}
	got, want := m.read().tell(), m.worlds[0].tell()
	if !slices.Equal(got, want) {
		t.Fatalf("at %v:\n%s", m.now(), difference(got, want))
	}
}

func difference(got, want []string) string {
	var lines []string
	for _, g := range got {
		if !slices.Contains(want, g) {
			lines = append(lines, "got  "+g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			lines = append(lines, "want "+w)
		}
	}
	return strings.Join(lines, "\n")
}

// short has rapid check less, unless it is told how much. To check for long:
//
//	go test ./gql -run Model -rapid.checks 2000 -rapid.steps 60 -timeout 0
func short(checks string) {
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "rapid.checks" })
	if !told {
		_ = flag.Set("rapid.checks", checks)
	}
}

// actions are all that can be done, one thing after the other.
func (m *machine) actions() map[string]func(*rapid.T) {
	done := 0
	actions := map[string]func(*rapid.T){
		"": func(t *rapid.T) {
			if done++; done%5 == 0 {
				m.compare(t)
			}
		},
		"pass": m.pass, "pass more": m.pass, "again": m.again, "once more": m.again,
	}
	for i, verb := range verbs {
		actions[fmt.Sprint(verb, " ", i)] = func(t *rapid.T) { m.do(t, m.draw(t, verb)) }
	}
	return actions
}

// check has rapid do what acts gives, again and again, from the beginning each time.
func check(t *testing.T, acts func(m *machine) map[string]func(*rapid.T)) {
	short("20")
	each(t, func(t *testing.T, a *api) {
		m := &machine{api: a, t: t}
		rapid.Check(t, func(t *rapid.T) {
			m.begin(t)
			t.Repeat(acts(m))
			m.compare(t)
		})
		t.Logf("%d operations were compared", m.compared)
	})
}

// Whatever is done, one thing after the other, the API does as the model says,
// and then has what the model has.
func TestModelInTurn(t *testing.T) { check(t, (*machine).actions) }

// What is done at once comes to what it would in some order.
func TestModelAtOnce(t *testing.T) {
	check(t, func(m *machine) map[string]func(*rapid.T) {
		actions := m.actions()
		for i := range 10 {
			actions[fmt.Sprint("at once ", i)] = m.burst
		}
		return actions
	})
}
