package gql_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The rules of booking, written once more, as plainly as they can be told: one
// thing after the other, and nothing but maps. What the API does is held against
// it (model_machine_test.go). It knows nothing of package booking, so that it can
// disagree.

const (
	slotLength = 15 * time.Minute
	notice     = 24 * time.Hour
	holdLength = 30 * time.Minute
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

// result is what came of it.
type result struct {
	code  string
	facts map[string]any // those that the model tells; the API may tell more
	ids   []string       // the row's, or the open slots' in the order of their start
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

type opening struct {
	row
	provider string
	start    time.Time
	status   string
}

type claim struct {
	row
	client, slot           string
	state                  string // as stored
	expiry                 time.Time
	confirmedAt, cancelled time.Time
}

// kept is what is remembered of a key.
type kept struct {
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
	blurred   bool // more than one order explains what was done: which change came first is not known
}

func newModel(now time.Time) model {
	return model{now, map[string]person{}, map[string]person{}, map[string]opening{}, map[string]claim{}, map[string]kept{}, false}
}

func (m model) clone() model {
	return model{m.now, maps.Clone(m.clients), maps.Clone(m.providers), maps.Clone(m.slots), maps.Clone(m.claims), maps.Clone(m.keys), m.blurred}
}

// at is the state of a claim as anyone may see it.
func (m model) at(c claim) string {
	if c.state == "HELD" && !m.now.Before(c.expiry) {
		return "EXPIRED"
	}
	return c.state
}

func (m model) live(c claim) bool { return m.at(c) == "HELD" || m.at(c) == "CONFIRMED" }

// refuse makes a refusal of names and values of facts.
func refuse(code string, facts ...any) result {
	r := result{code: code, facts: map[string]any{}}
	name := ""
	for i, fact := range facts {
		if i%2 == 0 {
			name = fact.(string)
			continue
		}
		if t, ok := fact.(time.Time); ok {
			fact = t.Format(time.RFC3339Nano)
		}
		r.facts[name] = fact
	}
	return r
}

func notFound(typ, id string) result { return refuse("NOT_FOUND", "type", typ, "id", id) }

// perform does an operation, once for its key. new are the ids that the API gave
// to what it created.
func (m model) perform(o op, created []string) result {
	if o.key == "" {
		return m.do(o, created)
	}
	input := o.input()
	known, seen := m.keys[o.verb+" "+o.key]
	switch {
	case !seen:
		r := m.do(o, created)
		if r.code == "" {
			m.keys[o.verb+" "+o.key] = kept{input, r.ids}
		}
		return r
	case known.input != input:
		return refuse("IDEMPOTENCY_KEY_REUSED", "field", "idempotencyKey")
	case o.verb == "appointmentBulkCreate":
		return result{ids: m.opened(o)}
	case !strings.HasSuffix(o.verb, "Delete") && (len(known.ids) == 0 || !m.there(known.ids[0])):
		return refuse("NOT_FOUND")
	}
	return result{ids: known.ids}
}

// input is what an operation asks for, apart from its key.
func (o op) input() string {
	o.key = ""
	return fmt.Sprint(o.variables())
}

func (m model) there(id string) bool {
	_, client := m.clients[id]
	_, provider := m.providers[id]
	_, slot := m.slots[id]
	_, claim := m.claims[id]
	return client || provider || slot || claim
}

func (m model) do(o op, created []string) result {
	switch o.verb {
	case "clientCreate", "providerCreate":
		if o.name == "" {
			return refuse("BAD_USER_INPUT", "field", "firstName")
		}
		for _, id := range created {
			m.people(o.verb)[id] = person{row{version: 1}, o.name}
		}
		return result{ids: created}
	case "clientUpdate", "providerUpdate":
		return m.rename(o)
	case "clientDelete", "providerDelete":
		return m.remove(o)
	case "appointmentBulkCreate":
		return m.open(o, created)
	case "appointmentCancel":
		return m.withdraw(o)
	case "reservationCreate":
		return m.reserve(o, created)
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
	refused := refuse("VERSION_CONFLICT", "id", o.id, "version", float64(r.version), "expectedVersion", float64(o.expected), "changed", changed)
	if m.blurred {
		delete(refused.facts, "changed")
	}
	return &refused
}

func (m model) rename(o op) result {
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

// opened are the open slots of a range.
func (m model) opened(o op) (ids []string) {
	for id, s := range m.slots {
		if s.provider == o.provider && s.status == "OPEN" && !s.start.Before(o.start) && s.start.Before(o.end) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return m.slots[a].start.Compare(m.slots[b].start) })
	return ids
}

func (m model) open(o op, created []string) result {
	length := o.end.Sub(o.start)
	switch {
	case length <= 0:
		return refuse("START_NOT_BEFORE_END")
	case length > 31*24*time.Hour:
		return refuse("RANGE_TOO_LONG", "maxDays", 31.0)
	case !o.start.Equal(o.start.Truncate(time.Minute)) || length%slotLength != 0:
		return refuse("NOT_ON_GRID")
	}
	if _, ok := m.providers[o.provider]; !ok {
		return notFound("Provider", o.provider)
	}
	lacking := map[time.Time]bool{}
	for at := o.start; at.Before(o.end); at = at.Add(slotLength) {
		lacking[at] = true
	}
	for _, s := range m.slots {
		if s.provider != o.provider || s.status != "OPEN" {
			continue
		}
		if lacking[s.start] {
			delete(lacking, s.start)
		} else if s.start.Before(o.end) && o.start.Before(s.start.Add(slotLength)) {
			return refuse("PROVIDER_BUSY") // on another grid, as it is in the range and not on this one
		}
	}
	have := m.opened(o)
	for _, id := range created {
		if !slices.Contains(have, id) && len(lacking) > 0 {
			at := slices.MinFunc(slices.Collect(maps.Keys(lacking)), time.Time.Compare)
			delete(lacking, at)
			m.slots[id] = opening{row{version: 1}, o.provider, at, "OPEN"}
		}
	}
	return result{ids: m.opened(o)}
}

func (m model) withdraw(o op) result {
	s, ok := m.slots[o.id]
	if !ok {
		return notFound("Appointment", o.id)
	}
	if refused := m.stale(s.row, o); refused != nil {
		return *refused
	}
	if s.status == "OPEN" {
		for id, c := range m.claims {
			if c.slot == o.id {
				m.letGo(id)
			}
		}
		s.row, s.status = s.changed("status"), "CANCELLED"
		m.slots[o.id] = s
	}
	return result{ids: []string{o.id}}
}

func (m model) letGo(id string) {
	c := m.claims[id]
	if m.live(c) {
		c.row, c.state, c.cancelled = c.changed("cancelledAt", "state"), "CANCELLED", m.now
		m.claims[id] = c
	}
}

// free refuses a slot that the client cannot have; but is a claim that does not count.
func (m model) free(client, slot, but string) *result {
	refused := func(r result) *result { return &r }
	s := m.slots[slot]
	switch {
	case s.status == "CANCELLED":
		return refused(refuse("APPOINTMENT_CANCELLED", "appointmentId", slot))
	case s.start.Before(m.now.Add(notice)):
		return refused(refuse("TOO_SOON", "earliestStart", m.now.Add(notice), "timeSlot", s.start))
	}
	for id, c := range m.claims {
		if id != but && c.slot == slot && m.live(c) {
			if c.state == "HELD" {
				return refused(refuse("SLOT_HELD", "appointmentId", slot, "retryAfter", c.expiry))
			}
			return refused(refuse("SLOT_TAKEN", "appointmentId", slot))
		}
	}
	for id, c := range m.claims {
		other := m.slots[c.slot]
		if id != but && c.client == client && m.live(c) && other.start.Before(s.start.Add(slotLength)) && s.start.Before(other.start.Add(slotLength)) {
			return refused(refuse("CLIENT_BUSY")) // several may be in the way: any is told
		}
	}
	return nil
}

func (m model) reserve(o op, created []string) result {
	if _, ok := m.clients[o.client]; !ok {
		return notFound("Client", o.client)
	}
	if _, ok := m.slots[o.slot]; !ok {
		return notFound("Appointment", o.slot)
	}
	for id, c := range m.claims {
		if c.client == o.client && c.slot == o.slot && m.live(c) {
			return result{ids: []string{id}}
		}
	}
	if refused := m.free(o.client, o.slot, ""); refused != nil {
		return *refused
	}
	if len(created) > 0 {
		m.claims[created[0]] = claim{row: row{version: 1}, client: o.client, slot: o.slot, state: "HELD", expiry: m.now.Add(holdLength)}
	}
	return result{ids: created}
}

// claimed is a claim that is there and has the version that was expected.
func (m model) claimed(o op) (claim, *result) {
	c, ok := m.claims[o.id]
	if !ok {
		missing := notFound("Reservation", o.id)
		return c, &missing
	}
	return c, m.stale(c.row, o)
}

// alive refuses a claim that was let go.
func (m model) alive(o op, c claim) *result {
	var refused result
	switch m.at(c) {
	case "CANCELLED":
		refused = refuse("RESERVATION_CANCELLED", "reservationId", o.id)
	case "EXPIRED":
		refused = refuse("HOLD_EXPIRED", "reservationId", o.id, "expiry", c.expiry)
	default:
		return nil
	}
	return &refused
}

func (m model) confirm(o op) result {
	c, refused := m.claimed(o)
	if refused == nil {
		refused = m.alive(o, c)
	}
	if refused != nil {
		return *refused
	}
	if c.state == "HELD" {
		c.row, c.state, c.confirmedAt = c.changed("confirmedAt", "state"), "CONFIRMED", m.now
		m.claims[o.id] = c
	}
	return result{ids: []string{o.id}}
}

func (m model) cancel(o op) result {
	if _, refused := m.claimed(o); refused != nil {
		return *refused
	}
	m.letGo(o.id)
	return result{ids: []string{o.id}}
}

func (m model) move(o op) result {
	c, refused := m.claimed(o)
	if refused != nil {
		return *refused
	}
	if _, ok := m.slots[o.slot]; !ok {
		return notFound("Appointment", o.slot)
	}
	if refused := m.alive(o, c); refused != nil {
		return *refused
	}
	if c.slot == o.slot {
		return result{ids: []string{o.id}}
	}
	if refused := m.free(c.client, o.slot, o.id); refused != nil {
		return *refused
	}
	from, to := m.slots[c.slot], m.slots[o.slot]
	fields := []string{"appointment"}
	if from.provider != to.provider {
		fields = append(fields, "provider")
	}
	if !from.start.Equal(to.start) {
		fields = append(fields, "timeSlot", "endsAt")
	}
	c.row, c.slot = c.changed(fields...), o.slot
	m.claims[o.id] = c
	return result{ids: []string{o.id}}
}
