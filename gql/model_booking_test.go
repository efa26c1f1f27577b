package gql_test

import (
	"slices"
	"time"
)

// opening is a slot.
type opening struct {
	row
	provider string
	start    time.Time
	status   string
}

func (s opening) overlaps(o opening) bool {
	return s.start.Before(o.start.Add(slotLength)) && o.start.Before(s.start.Add(slotLength))
}

// claim is a reservation. It keeps its slot from others over [from, until).
type claim struct {
	row
	client, slot           string
	state                  string // as stored
	expiry                 time.Time
	confirmedAt, cancelled time.Time
	from, until            time.Time
}

// forever is how long what is confirmed lasts.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// at is the state of a claim as anyone may see it.
func (m model) at(c claim) string {
	if c.state == "HELD" && !m.now.Before(c.expiry) {
		return "EXPIRED"
	}
	return c.state
}

func (m model) live(c claim) bool { return m.at(c) == "HELD" || m.at(c) == "CONFIRMED" }

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

// unfit refuses a range that cannot be cut into slots.
func unfit(start, end time.Time) *result {
	var refused result
	minute, length := start.Truncate(time.Minute), end.Sub(start)
	fits := start.Add(length - length%slotLength)
	switch {
	case length <= 0:
		refused = refuse("START_NOT_BEFORE_END", "startTime", start, "endTime", end)
	case length > 31*24*time.Hour:
		refused = refuse("RANGE_TOO_LONG", "maxDays", 31.0, "latestEndTime", start.AddDate(0, 0, 31))
	case !start.Equal(minute):
		refused = refuse("NOT_ON_GRID", "before", minute, "after", minute.Add(time.Minute), "slotSeconds", 900.0)
	case !fits.Equal(end):
		refused = refuse("NOT_ON_GRID", "before", fits, "after", fits.Add(slotLength), "slotSeconds", 900.0)
	default:
		return nil
	}
	return &refused
}

func (m model) open(o op, b births) result {
	if refused := unfit(o.start, o.end); refused != nil {
		return *refused
	}
	if _, ok := m.providers[o.provider]; !ok {
		return notFound("Provider", o.provider)
	}
	var busy result // several may be in the way: any is told
	there := map[int64]bool{}
	for id, s := range m.slots {
		if s.provider != o.provider || s.status != "OPEN" || !s.start.Add(slotLength).After(o.start) || !s.start.Before(o.end) {
			continue
		}
		if s.start.Before(o.start) || s.start.Sub(o.start)%slotLength != 0 {
			cut := refuse("PROVIDER_BUSY", "conflictingAppointmentId", id, "timeSlot", s.start, "endsAt", s.start.Add(slotLength))
			busy.refused = append(busy.refused, cut.refused...)
		}
		there[s.start.Unix()] = true
	}
	if len(busy.refused) > 0 {
		return busy
	}
	for at := o.start; at.Before(o.end); at = at.Add(slotLength) {
		if !there[at.Unix()] {
			m.slots[bornAs(b.slots, slotKey(o.provider, at))] = opening{row{version: 1}, o.provider, at, "OPEN"}
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
		c.row, c.state, c.cancelled, c.until = c.changed("cancelledAt", "state"), "CANCELLED", m.now, m.now
		if c.until.Before(c.from) { // the clock went back
			c.until = c.from
		}
		m.claims[id] = c
	}
}

// free refuses a slot that the client cannot have; but is a claim that does not count.
func (m model) free(client, slot, but string) *result {
	var refused result
	s := m.slots[slot]
	switch {
	case s.status == "CANCELLED":
		refused = refuse("APPOINTMENT_CANCELLED", "appointmentId", slot)
		return &refused
	case s.start.Before(m.now.Add(notice)):
		refused = refuse("TOO_SOON", "earliestStart", m.now.Add(notice), "timeSlot", s.start)
		return &refused
	}
	// Several may be in the way, where the clock went back: any is told.
	for id, c := range m.claims {
		if id != but && c.slot == slot && m.live(c) {
			taken := refuse("SLOT_TAKEN", "appointmentId", slot)
			if c.state == "HELD" {
				taken = refuse("SLOT_HELD", "appointmentId", slot, "retryAfter", c.expiry)
			}
			refused.refused = append(refused.refused, taken.refused...)
		}
	}
	if len(refused.refused) > 0 {
		return &refused
	}
	for id, c := range m.claims {
		other := m.slots[c.slot]
		if id != but && c.client == client && m.live(c) && other.overlaps(s) {
			busy := refuse("CLIENT_BUSY", "conflictingReservationId", id, "timeSlot", other.start, "endsAt", other.start.Add(slotLength))
			refused.refused = append(refused.refused, busy.refused...)
		}
	}
	if len(refused.refused) > 0 {
		return &refused
	}
	return nil
}

// keep keeps a claim, unless it is for a time that another claim had already.
// That can only be where the clock went back, and is for the database to see.
func (m model) keep(id string, c claim) *result {
	var refused result
	for other, had := range m.claims {
		empty := !c.from.Before(c.until) || !had.from.Before(had.until)
		if other == id || empty || !c.from.Before(had.until) || !had.from.Before(c.until) {
			continue
		}
		if had.slot == c.slot {
			refused.refused = append(refused.refused, denial{code: "SLOT_TAKEN", backstop: true})
		}
		if had.client == c.client && m.slots[had.slot].overlaps(m.slots[c.slot]) {
			refused.refused = append(refused.refused, denial{code: "CLIENT_BUSY", backstop: true})
		}
	}
	if len(refused.refused) > 0 {
		return &refused
	}
	m.claims[id] = c
	return nil
}

func (m model) reserve(o op, b births) result {
	if _, ok := m.clients[o.client]; !ok {
		return notFound("Client", o.client)
	}
	slot, ok := m.slots[o.slot]
	if !ok {
		return notFound("Appointment", o.slot)
	}
	for _, id := range oldest(m.claims) {
		if c := m.claims[id]; c.client == o.client && c.slot == o.slot && m.live(c) && slot.status == "OPEN" {
			return result{ids: []string{id}}
		}
	}
	if refused := m.free(o.client, o.slot, ""); refused != nil {
		return *refused
	}
	expiry, id := m.now.Add(holdLength), bornAs(b.claims, o.client+o.slot)
	if refused := m.keep(id, claim{
		row: row{version: 1}, client: o.client, slot: o.slot, state: "HELD", expiry: expiry, from: m.now, until: expiry,
	}); refused != nil {
		return *refused
	}
	return result{ids: []string{id}}
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
	switch {
	case refused != nil:
		return *refused
	case m.slots[c.slot].status == "CANCELLED": // it had expired when the slot was withdrawn, and the clock went back
		return refuse("RESERVATION_CANCELLED", "reservationId", o.id)
	case c.state == "HELD":
		c.row, c.state, c.confirmedAt, c.until = c.changed("confirmedAt", "state"), "CONFIRMED", m.now, forever
		if refused := m.keep(o.id, c); refused != nil {
			return *refused
		}
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
	c.row, c.slot, c.from = c.changed(fields...), o.slot, m.now
	if refused := m.keep(o.id, c); refused != nil {
		return *refused
	}
	return result{ids: []string{o.id}}
}
