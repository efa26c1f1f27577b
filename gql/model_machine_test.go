package gql_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"docket/internal/booking"
)

// machine does the same to the API and to the model, and compares them.
type machine struct {
	*api
	t     *testing.T
	model model
	past  []op     // what was done with a key
	gone  []string // ids of rows that were deleted
	keys  int
}

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

// send does an operation.
func (m *machine) send(o op) (got result) {
	noun := strings.ToLower(typeOf(o.verb))
	selection := noun + " { id }"
	switch {
	case o.verb == "appointmentBulkCreate":
		selection = "appointments(first: 500) { edges { node { id } } }"
	case strings.HasSuffix(o.verb, "Delete"):
		selection = "deletedId"
	}
	r := m.run(m.t, fmt.Sprintf("mutation($in: %s!) { it: %s(input: $in) { %s } }", strings.ToUpper(o.verb[:1])+o.verb[1:]+"Input", o.verb, selection), map[string]any{"in": o.variables()})
	if len(r.Errors) > 0 {
		got.code, _ = r.Errors[0].Extensions["code"].(string)
		got.facts = r.Errors[0].Extensions
		return got
	}
	var data struct {
		It struct {
			DeletedID                                  string
			Client, Provider, Appointment, Reservation *node
			Appointments                               struct{ Edges []struct{ Node node } }
		}
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		m.t.Fatal(err)
	}
	for _, n := range []*node{data.It.Client, data.It.Provider, data.It.Appointment, data.It.Reservation} {
		if n != nil {
			got.ids = []string{n.ID}
		}
	}
	if data.It.DeletedID != "" {
		got.ids = []string{data.It.DeletedID}
	}
	for _, e := range data.It.Appointments.Edges {
		got.ids = append(got.ids, e.Node.ID)
	}
	return got
}

// agree reports whether the API said what the model does, to all that the model tells.
func (r result) agree(got result) bool {
	if r.code != got.code || !slices.Equal(r.ids, got.ids) {
		return false
	}
	for name, fact := range r.facts {
		if !reflect.DeepEqual(got.facts[name], fact) {
			return false
		}
	}
	return true
}

// do does an operation on both sides.
func (m *machine) do(t *rapid.T, o op) {
	got := m.send(o)
	want := m.model.perform(o, got.ids)
	if !want.agree(got) {
		t.Fatalf("at %v: %+v\n got %+v\nwant %+v", m.model.now, o, got, want)
	}
	m.remember(o, got)
}

func (m *machine) remember(o op, got result) {
	if strings.HasSuffix(o.verb, "Delete") && got.code == "" {
		m.gone = append(m.gone, o.id)
	}
	if o.key != "" {
		m.past = append(m.past, o)
	}
}

// any is one of the ids, or now and then one that is not there.
func (m *machine) any(t *rapid.T, what string, ids []string, missing string) string {
	slices.Sort(ids)
	if len(ids) == 0 || rapid.IntRange(0, 19).Draw(t, "missing "+what) == 0 {
		for _, id := range m.gone {
			if typeName(id) == typeName(missing) {
				return id
			}
		}
		return missing
	}
	return rapid.SampledFrom(ids).Draw(t, what)
}

// Ids of rows that never were.
const (
	noClient      = "Q2xpZW50Ojk5OTk5OTk="
	noProvider    = "UHJvdmlkZXI6OTk5OTk5OQ=="
	noAppointment = "QXBwb2ludG1lbnQ6OTk5OTk5OQ=="
	noReservation = "UmVzZXJ2YXRpb246OTk5OTk5OQ=="
)

func typeName(id string) string { return id[:8] } // the first letters of the type, in base64

func keysOf[V any](of map[string]V) []string { return slices.Collect(maps.Keys(of)) }

// draw is an operation of the verb by chance.
func (m *machine) draw(t *rapid.T, verb string) op {
	o := op{verb: verb}
	var version int
	switch verb {
	case "clientCreate", "providerCreate":
		o.name = rapid.SampledFrom([]string{"Ada", "Ben", ""}).Draw(t, "name")
	case "clientUpdate", "clientDelete":
		o.id, o.name = m.any(t, "client", keysOf(m.model.clients), noClient), rapid.SampledFrom([]string{"Ada", "Ben"}).Draw(t, "name")
		version = m.model.clients[o.id].version
	case "providerUpdate", "providerDelete":
		o.id, o.name = m.any(t, "provider", keysOf(m.model.providers), noProvider), rapid.SampledFrom([]string{"Ada", "Ben"}).Draw(t, "name")
		version = m.model.providers[o.id].version
	case "appointmentBulkCreate":
		o.provider = m.any(t, "provider", keysOf(m.model.providers), noProvider)
		from := rapid.SampledFrom([]time.Duration{0, 0, 15, 30, 60, 5, 0}).Draw(t, "from") * time.Minute
		length := rapid.SampledFrom([]time.Duration{15, 30, 45, 60, 60, 0, -15, 20, 31*24*60 + 15}).Draw(t, "length") * time.Minute
		o.start = monday.Add(25*time.Hour + from)
		o.end = o.start.Add(length)
	case "appointmentCancel":
		o.id = m.any(t, "slot", keysOf(m.model.slots), noAppointment)
		version = m.model.slots[o.id].version
	case "reservationCreate":
		o.client, o.slot = m.any(t, "client", keysOf(m.model.clients), noClient), m.any(t, "slot", keysOf(m.model.slots), noAppointment)
	default:
		o.id = m.any(t, "claim", keysOf(m.model.claims), noReservation)
		version = m.model.claims[o.id].version
		if verb == "reservationReschedule" {
			o.slot = m.any(t, "slot", keysOf(m.model.slots), noAppointment)
		}
	}
	if o.id != "" && rapid.IntRange(0, 3).Draw(t, "expects") == 0 {
		o.expected = max(1, version-rapid.IntRange(0, 2).Draw(t, "behind"))
	}
	if rapid.IntRange(0, 2).Draw(t, "keyed") == 0 {
		m.keys++
		o.key = fmt.Sprint("k", m.keys)
	}
	return o
}

// verbs are all mutations but xBulkCreate, whose parts are those of xCreate;
// those that book are more often drawn.
var verbs = []string{
	"clientCreate", "clientUpdate", "clientDelete", "providerCreate", "providerUpdate", "providerDelete",
	"appointmentBulkCreate", "appointmentBulkCreate", "appointmentCancel",
	"reservationCreate", "reservationCreate", "reservationCreate", "reservationConfirm", "reservationConfirm",
	"reservationCancel", "reservationReschedule", "reservationReschedule",
}

// begin empties the database and makes a few people, with slots to book.
func (m *machine) begin(t *rapid.T) {
	ctx := booking.NewContext(m.t.Context(), booking.Moment{Now: monday})
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
	m.model, m.past, m.gone = newModel(monday), nil, nil
	for range 2 {
		m.do(t, op{verb: "clientCreate", name: "Ada"})
		m.do(t, op{verb: "providerCreate", name: "Ada"})
	}
	for i, p := range keysOf(m.model.providers) { // their slots overlap, and are not the same
		start := monday.Add(25*time.Hour + time.Duration(i)*5*time.Minute)
		m.do(t, op{verb: "appointmentBulkCreate", provider: p, start: start, end: start.Add(2 * slotLength)})
	}
}

// pass lets time go on: a little, or up to where something changes.
func (m *machine) pass(t *rapid.T) {
	moments := []time.Time{m.model.now.Add(time.Minute), m.model.now.Add(10 * time.Minute)}
	for _, c := range m.model.claims {
		moments = append(moments, c.expiry.Add(-time.Microsecond), c.expiry, c.expiry.Add(time.Microsecond))
	}
	for _, s := range m.model.slots {
		moments = append(moments, s.start.Add(-notice), s.start.Add(-notice+time.Microsecond))
	}
	moments = slices.DeleteFunc(moments, func(at time.Time) bool {
		return at.Before(m.model.now) || at.After(m.model.now.Add(time.Hour))
	})
	slices.SortFunc(moments, time.Time.Compare)
	m.model.now = rapid.SampledFrom(moments).Draw(t, "now")
	m.clock.Set(m.model.now)
}

// again sends what was sent with a key before, as it was or with another input.
func (m *machine) again(t *rapid.T) {
	if len(m.past) == 0 {
		t.Skip()
	}
	o := rapid.SampledFrom(m.past).Draw(t, "again")
	if rapid.Bool().Draw(t, "otherwise") {
		other := m.draw(t, o.verb)
		other.key = o.key
		o = other
	}
	m.do(t, o)
}

// short has rapid check less, unless it is told how much: go test -run Model
// ./gql -rapid.checks 2000 -rapid.steps 60 checks for long.
func short(checks string) {
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "rapid.checks" })
	if !told {
		_ = flag.Set("rapid.checks", checks)
	}
}

// Whatever is done, one thing after the other, the API does as the model says,
// and then has what the model has.
func TestModelInTurn(t *testing.T) {
	short("30")
	each(t, func(t *testing.T, a *api) {
		m, n := &machine{api: a, t: t}, 0
		rapid.Check(t, func(t *rapid.T) {
			m.begin(t)
			actions := map[string]func(*rapid.T){
				"": func(t *rapid.T) {
					if n++; n%5 == 0 {
						m.compare(t)
					}
				},
				"pass": m.pass, "again": m.again, "once more": m.again,
			}
			for i, verb := range verbs {
				actions[fmt.Sprint(verb, " ", i)] = func(t *rapid.T) { m.do(t, m.draw(t, verb)) }
			}
			t.Repeat(actions)
			m.compare(t)
		})
	})
}

// What is done at once comes to what it would in some order.
func TestModelAtOnce(t *testing.T) {
	short("30")
	booking := slices.DeleteFunc(slices.Clone(verbs), func(v string) bool {
		return v == "appointmentBulkCreate" || strings.HasSuffix(v, "Create") && v != "reservationCreate" || strings.HasSuffix(v, "Delete")
	})
	each(t, func(t *testing.T, a *api) {
		m := &machine{api: a, t: t}
		rapid.Check(t, func(t *rapid.T) {
			m.clock.slow = 0
			m.begin(t)
			m.clock.slow = time.Millisecond
			for range 6 {
				for range 2 {
					m.do(t, m.draw(t, rapid.SampledFrom(booking).Draw(t, "verb")))
				}
				m.burst(t, booking)
			}
		})
	})
}

// burst does three operations at once.
func (m *machine) burst(t *rapid.T, of []string) {
	ops := make([]op, 3)
	for i := range ops {
		ops[i] = m.draw(t, rapid.SampledFrom(of).Draw(t, "verb"))
	}
	switch rapid.IntRange(0, 3).Draw(t, "collide") {
	case 0:
		ops[1] = ops[0] // the same request, with its key or without one
	case 1: // a client wants to be at several places
		for i := range ops {
			ops[i] = m.draw(t, "reservationCreate")
			ops[i].client = ops[0].client
		}
	}
	got := make([]result, len(ops))
	var all sync.WaitGroup
	for i, o := range ops {
		all.Go(func() { got[i] = m.send(o) })
	}
	all.Wait()
	there := m.read()
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		after := m.model.clone()
		explained := true
		for _, i := range order {
			explained = after.perform(ops[i], got[i].ids).agree(got[i]) && explained
		}
		if explained && reflect.DeepEqual(after.tell(), there) {
			m.model = after
			m.model.blurred = true
			m.compare(t)
			for i, o := range ops {
				m.remember(o, got[i])
			}
			return
		}
	}
	t.Fatalf("at %v, no order explains\n%+v\nwhich came to\n%+v\nand to\n%s", m.model.now, ops, got, strings.Join(there, "\n"))
}
