package gql_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The rules of booking, written once more, as plainly as they can be told: one
// thing after the other, and nothing but maps. What the API does is held against
// them (model_machine_test.go). They know nothing of package booking, so that they
// can disagree. Those for slots and claims are in model_booking_test.go.

const (
	slotLength = 15 * time.Minute
	notice     = 24 * time.Hour
	holdLength = 30 * time.Minute
	keepKeys   = 24 * time.Hour
)

// op is one mutation. Ids are those of the API.
type op struct {
	verb                   string
	id                     string // of the row that is changed
	client, provider, slot string
	name                   string
	start, end             time.Time
	key                    string
	expected               int // 0: any version
}

// result is what should come of it: rows, or one of some refusals.
type result struct {
	ids     []string
	refused []denial
}

type denial struct {
	code     string
	facts    map[string]any // exactly these
	backstop bool           // by a constraint, whose facts are not held to anything
}

// row is what every row has.
type row struct {
	version int
	changes []change
}

type change struct {
	version int
	fields  []string
}

func (r row) changed(fields ...string) row {
	r.version++
	r.changes = append(slices.Clip(r.changes), change{r.version, fields})
	return r
}

type person struct {
	row
	name string
}

// kept is what is remembered of a key.
type kept struct {
	at    time.Time
	input string
	ids   []string
}

// model is all that is there.
type model struct {
	now       time.Time
	clients   map[string]person
	providers map[string]person
	slots     map[string]opening
	claims    map[string]claim
	keys      map[string]kept
}

func newModel(now time.Time) model {
	return model{now, map[string]person{}, map[string]person{}, map[string]opening{}, map[string]claim{}, map[string]kept{}}
}

func (m model) clone() model {
	return model{m.now, maps.Clone(m.clients), maps.Clone(m.providers), maps.Clone(m.slots), maps.Clone(m.claims), maps.Clone(m.keys)}
}

// births are the ids that the API gave to what it made. What it made and did not
// show, because it was gone before anyone could look, gets a name of its own.
type births struct {
	person string
	slots  map[string]string // by [slotKey]
	claims map[string]string // by client and slot
}

func slotKey(provider string, start time.Time) string {
	return provider + start.UTC().Format(time.RFC3339Nano)
}

func bornAs(ids map[string]string, key string) string {
	if id, ok := ids[key]; ok {
		return id
	}
	return "unseen " + key
}

// number is that of an id: the older a row, the lower. What is unseen is last.
func number(id string) int {
	text, _ := base64.StdEncoding.DecodeString(id)
	_, digits, _ := strings.Cut(string(text), ":")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 1 << 62
	}
	return n
}

// typeName is the type of the row with an id.
func typeName(id string) string {
	text, _ := base64.StdEncoding.DecodeString(id)
	name, _, _ := strings.Cut(string(text), ":")
	return name
}

// oldest are the ids in the order in which the rows were made, so that what is
// done by chance can be done again with rows that have other ids.
func oldest[V any](rows map[string]V) []string {
	return slices.SortedFunc(maps.Keys(rows), func(a, b string) int { return number(a) - number(b) })
}

// refuse makes a denial of names and values of facts.
func refuse(code string, facts ...any) result {
	r := denial{code: code, facts: map[string]any{}}
	name := ""
	for i, fact := range facts {
		if i%2 == 0 {
			name = fact.(string)
			continue
		}
		if t, ok := fact.(time.Time); ok {
			fact = t.UTC().Format(time.RFC3339Nano)
		}
		r.facts[name] = fact
	}
	return result{refused: []denial{r}}
}

func notFound(typ, id string) result { return refuse("NOT_FOUND", "type", typ, "id", id) }

func badField(field string) result { return refuse("BAD_USER_INPUT", "field", field) }

// perform does an operation, once for its key.
func (m model) perform(o op, b births) result {
	var wrong []denial // several may be: any of them is told
	for _, given := range o.ids() {
		if typeName(given.id) != given.typ {
			wrong = append(wrong, badField(given.field).refused...)
		}
	}
	if len(wrong) > 0 {
		return result{refused: wrong}
	}
	if o.key == "" {
		return m.do(o, b)
	}
	known, seen := m.keys[o.verb+" "+o.key]
	switch {
	case !seen || !known.at.After(m.now.Add(-keepKeys)):
		r := m.do(o, b)
		if len(r.refused) == 0 {
			m.keys[o.verb+" "+o.key] = kept{m.now, o.input(), r.ids}
		}
		return r
	case known.input != o.input():
		return refuse("IDEMPOTENCY_KEY_REUSED", "field", "idempotencyKey")
	case o.verb == "appointmentBulkCreate":
		return result{ids: m.opened(o)}
	case !strings.HasSuffix(o.verb, "Delete") && m.sentence(known.ids[0]) == "":
		return notFound(typeOf(o.verb), known.ids[0])
	}
	return result{ids: known.ids}
}

// given is an id that an operation is given.
type given struct{ field, id, typ string }

func (o op) ids() []given {
	switch o.verb {
	case "clientCreate", "providerCreate":
		return nil
	case "appointmentBulkCreate":
		return []given{{"providerId", o.provider, "Provider"}}
	case "appointmentCancel":
		return []given{{"appointmentId", o.id, "Appointment"}}
	case "reservationCreate":
		return []given{{"clientId", o.client, "Client"}, {"appointmentId", o.slot, "Appointment"}}
	case "reservationConfirm", "reservationCancel":
		return []given{{"reservationId", o.id, "Reservation"}}
	case "reservationReschedule":
		return []given{{"reservationId", o.id, "Reservation"}, {"appointmentId", o.slot, "Appointment"}}
	}
	return []given{{"id", o.id, typeOf(o.verb)}}
}

// input is what an operation asks for, apart from its key.
func (o op) input() string {
	o.key = ""
	return fmt.Sprint(o.variables())
}

func (m model) do(o op, b births) result {
	switch o.verb {
	case "clientCreate", "providerCreate":
		if o.name == "" {
			return badField("firstName")
		}
		m.people(o.verb)[b.person] = person{row{version: 1}, o.name}
		return result{ids: []string{b.person}}
	case "clientUpdate", "providerUpdate":
		return m.rename(o)
	case "clientDelete", "providerDelete":
		return m.remove(o)
	case "appointmentBulkCreate":
		return m.open(o, b)
	case "appointmentCancel":
		return m.withdraw(o)
	case "reservationCreate":
		return m.reserve(o, b)
	case "reservationConfirm":
		return m.confirm(o)
	case "reservationCancel":
		return m.cancel(o)
	case "reservationReschedule":
		return m.move(o)
	}
	panic(o.verb)
}

func (m model) people(verb string) map[string]person {
	if strings.HasPrefix(verb, "client") {
		return m.clients
	}
	return m.providers
}

func typeOf(verb string) string {
	return map[byte]string{'c': "Client", 'p': "Provider", 'a': "Appointment", 'r': "Reservation"}[verb[0]]
}

// stale refuses a row that has another version than was expected.
func (m model) stale(r row, o op) *result {
	if o.expected == 0 || o.expected == r.version {
		return nil
	}
	fields := map[string]bool{}
	for _, c := range r.changes {
		if c.version > o.expected {
			for _, f := range c.fields {
				fields[f] = true
			}
		}
	}
	changed := []any{}
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		changed = append(changed, f)
	}
	refused := refuse("VERSION_CONFLICT", "type", typeOf(o.verb), "id", o.id,
		"version", float64(r.version), "expectedVersion", float64(o.expected), "changed", changed)
	return &refused
}

func (m model) rename(o op) result {
	if o.name == "" {
		return badField("firstName")
	}
	people := m.people(o.verb)
	p, ok := people[o.id]
	if !ok {
		return notFound(typeOf(o.verb), o.id)
	}
	if refused := m.stale(p.row, o); refused != nil {
		return *refused
	}
	var fields []string
	if p.name != o.name {
		fields = []string{"firstName"}
	}
	people[o.id] = person{p.changed(fields...), o.name}
	return result{ids: []string{o.id}}
}

// remove takes all that belongs to a person along.
func (m model) remove(o op) result {
	people := m.people(o.verb)
	p, ok := people[o.id]
	if !ok {
		return notFound(typeOf(o.verb), o.id)
	}
	if refused := m.stale(p.row, o); refused != nil {
		return *refused
	}
	delete(people, o.id)
	maps.DeleteFunc(m.slots, func(_ string, s opening) bool { return s.provider == o.id })
	maps.DeleteFunc(m.claims, func(_ string, c claim) bool {
		_, slot := m.slots[c.slot]
		return c.client == o.id || !slot
	})
	return result{ids: []string{o.id}}
}
