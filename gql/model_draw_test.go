package gql_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// verbs are all mutations but xBulkCreate, whose parts are those of xCreate;
// those that book are more often drawn.
var verbs = []string{
	"clientCreate", "clientUpdate", "clientDelete", "providerCreate", "providerUpdate", "providerDelete",
	"appointmentBulkCreate", "appointmentBulkCreate", "appointmentCancel",
	"reservationCreate", "reservationCreate", "reservationCreate", "reservationCreate",
	"reservationConfirm", "reservationConfirm", "reservationCancel", "reservationReschedule", "reservationReschedule",
}

// never are ids of rows that never were.
var never = map[string]string{
	"Client": "Q2xpZW50Ojk5OTk5OTk=", "Provider": "UHJvdmlkZXI6OTk5OTk5OQ==",
	"Appointment": "QXBwb2ludG1lbnQ6OTk5OTk5OQ==", "Reservation": "UmVzZXJ2YXRpb246OTk5OTk5OQ==",
}

// any is the id of a row of the type. Now and then it is of one that is gone or
// never was, or of another type.
func (m *machine) any(t *rapid.T, typ string) string {
	ids := map[string][]string{}
	w := m.worlds[0]
	ids["Client"], ids["Provider"], ids["Appointment"], ids["Reservation"] = oldest(w.clients), oldest(w.providers), oldest(w.slots), oldest(w.claims)
	if len(ids[typ]) > 0 && rapid.IntRange(0, 14).Draw(t, "there") > 0 {
		return rapid.SampledFrom(ids[typ]).Draw(t, typ)
	}
	wrong := []string{never[typ]}
	for _, id := range m.gone {
		if typeName(id) == typ {
			wrong = append(wrong, id)
		}
	}
	for _, other := range []string{"Client", "Provider", "Appointment", "Reservation"} {
		if other != typ && len(ids[other]) > 0 {
			wrong = append(wrong, ids[other][0])
		}
	}
	return rapid.SampledFrom(wrong).Draw(t, "no "+typ)
}

// draw is an operation of the verb by chance.
func (m *machine) draw(t *rapid.T, verb string) op {
	o := op{verb: verb}
	switch verb {
	case "clientCreate", "providerCreate":
		o.name = m.name(t)
	case "clientUpdate", "providerUpdate":
		o.id, o.name = m.any(t, typeOf(verb)), m.name(t)
	case "appointmentBulkCreate":
		o.provider = m.any(t, "Provider")
		o.start, o.end = m.span(t)
	case "reservationCreate":
		o.client, o.slot = m.any(t, "Client"), m.any(t, "Appointment")
	case "reservationReschedule":
		o.id, o.slot = m.any(t, "Reservation"), m.any(t, "Appointment")
	default:
		o.id = m.any(t, typeOf(verb))
	}
	if o.id != "" && rapid.IntRange(0, 3).Draw(t, "expects") == 3 {
		o.expected = max(1, m.version(o.id)-rapid.IntRange(0, 2).Draw(t, "behind"))
	}
	if rapid.IntRange(0, 2).Draw(t, "keyed") == 2 {
		m.keys++
		o.key = fmt.Sprint("k", m.keys)
	}
	return o
}

func (m *machine) name(t *rapid.T) string {
	return rapid.SampledFrom([]string{"Ada", "Ben", "Ada", "Ben", "Ada", ""}).Draw(t, "name")
}

// span is a range to open: on either of two grids, or on none; empty, or too long.
func (m *machine) span(t *rapid.T) (start, end time.Time) {
	start = m.now().Truncate(time.Hour).Add(25 * time.Hour)
	start = start.Add(time.Minute * rapid.SampledFrom([]time.Duration{0, 15, 30, 60, 5, 0, 15}).Draw(t, "from"))
	length := time.Minute * rapid.SampledFrom([]time.Duration{15, 30, 45, 60, 60, 0, -15, 20, 31*24*60 + 15}).Draw(t, "length")
	if rapid.IntRange(0, 14).Draw(t, "odd") == 14 {
		start = start.Add(30 * time.Second)
	}
	return start, start.Add(length)
}

func (m *machine) version(id string) int {
	w := m.worlds[0]
	return max(w.clients[id].version, w.providers[id].version, w.slots[id].version, w.claims[id].version)
}

// pass lets time go on: a little, or just to where something changes. Now and
// then the clock is set back, or a day is over.
func (m *machine) pass(t *rapid.T) {
	now, w := m.now(), m.worlds[0]
	var moments, edges []time.Time
	least, most := time.Duration(0), time.Hour
	switch rapid.IntRange(0, 9).Draw(t, "how") {
	case 8:
		least, most = -2*time.Minute, 0
		moments = append(moments, now.Add(-time.Microsecond), now.Add(-time.Second), now.Add(-time.Minute))
	case 9:
		most = keepKeys
		for _, k := range w.keys {
			edges = append(edges, k.at.Add(keepKeys))
		}
	default:
		moments = append(moments, now.Add(time.Minute), now.Add(10*time.Minute))
	}
	for _, c := range w.claims {
		edges = append(edges, c.expiry)
	}
	for _, s := range w.slots {
		edges = append(edges, s.start.Add(-notice))
	}
	for _, edge := range edges {
		for _, at := range []time.Time{edge.Add(-time.Microsecond), edge, edge.Add(time.Microsecond)} {
			if far := at.Sub(now); far >= least && far <= most {
				moments = append(moments, at)
			}
		}
	}
	if len(moments) == 0 {
		t.Skip()
	}
	slices.SortFunc(moments, time.Time.Compare)
	now = rapid.SampledFrom(slices.Compact(moments)).Draw(t, "now")
	for i := range m.worlds {
		m.worlds[i].now = now
	}
	m.clock.Set(now)
}

// again sends what was sent before; with its key now and then for something else.
func (m *machine) again(t *rapid.T) { m.do(t, m.drawAgain(t)) }

func (m *machine) drawAgain(t *rapid.T) op {
	o := rapid.SampledFrom(m.past).Draw(t, "again")
	if o.key != "" && rapid.IntRange(0, 2).Draw(t, "otherwise") == 2 {
		other := m.draw(t, o.verb)
		other.key = o.key
		return other
	}
	return o
}
