package gql_test

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"
)

// burst does three or four operations at once.
func (m *machine) burst(t *rapid.T) {
	ops := make([]op, rapid.IntRange(3, 4).Draw(t, "many"))
	for i := range ops {
		ops[i] = m.draw(t, rapid.SampledFrom(verbs).Draw(t, "verb"))
	}
	switch rapid.IntRange(0, 6).Draw(t, "collide") {
	case 1: // the same request, with its key or without one
		ops[1] = ops[0]
	case 2: // one of the past, too
		ops[1] = m.drawAgain(t)
	case 3: // a client wants to be at several places
		for i := range ops {
			ops[i] = m.draw(t, "reservationCreate")
			ops[i].client = ops[0].client
		}
	case 4: // all want one slot, and somebody else to withdraw it
		for i := range ops {
			ops[i] = m.draw(t, "reservationCreate")
			ops[i].slot = ops[0].slot
		}
		ops[0] = op{verb: "appointmentCancel", id: ops[0].slot}
	case 5: // all happens to one reservation
		id := m.any(t, "Reservation")
		for i := range ops {
			verb := rapid.SampledFrom([]string{"reservationConfirm", "reservationCancel", "reservationReschedule"}).Draw(t, "verb")
			ops[i] = m.draw(t, verb)
			ops[i].id = id
		}
	}
	got := make([]answer, len(ops))
	m.clock.slow = time.Millisecond
	var all sync.WaitGroup
	for i, o := range ops {
		all.Go(func() { got[i] = m.send(o) })
	}
	all.Wait()
	m.clock.slow = 0
	there := m.read()
	m.explain(t, ops, got, &there)
}

// explain keeps those worlds in which the operations, in some order, come to
// what was answered, and to what is there if that is known; one at least.
func (m *machine) explain(t *rapid.T, ops []op, got []answer, there *shown) {
	var after []model
	backstop := false
	for _, w := range m.worlds {
		for _, order := range orders(len(ops)) {
			end, by, ok := m.play(w, ops, got, order, there)
			if ok && (there == nil || slices.Equal(end.tell(), there.tell())) {
				backstop = backstop || by
				if !slices.ContainsFunc(after, func(a model) bool { return reflect.DeepEqual(a, end) }) {
					after = append(after, end)
				}
			}
		}
	}
	if len(after) == 0 {
		m.unexplained(t, ops, got, there)
	}
	if backstop { // a constraint refused something, as it had to: that is in the log
		m.log.Reset()
	}
	m.worlds = after
	for i, o := range ops {
		m.remember(o, got[i])
	}
}

// play does the operations in an order. It reports what is there then, whether a
// constraint had to refuse any, and whether all answers fit. An answer shows what
// there was when it was read: after its operation, or after a later one.
func (m *machine) play(w model, ops []op, got []answer, order []int, there *shown) (end model, backstop, ok bool) {
	want, then := make([]result, len(ops)), make([]model, len(ops))
	w = w.clone()
	for turn, i := range order {
		want[i] = w.perform(ops[i], m.born(w, ops, got, i, there))
		then[turn] = w.clone()
	}
	for turn, i := range order {
		fits := func(then model) bool { return then.shows(ops[i], want[i].ids, got[i]) }
		for _, r := range want[i].refused {
			backstop = backstop || r.backstop && r.agrees(got[i])
		}
		if len(want[i].refused) > 0 {
			if !slices.ContainsFunc(want[i].refused, func(r denial) bool { return r.agrees(got[i]) }) {
				return w, false, false
			}
		} else if !slices.ContainsFunc(then[turn:], fits) {
			return w, false, false
		}
	}
	return w, backstop, true
}

// shows reports whether the answer is what a payload with the rows shows.
func (m model) shows(o op, ids []string, got answer) bool {
	switch {
	case strings.HasSuffix(o.verb, "Delete"):
		return got.code == "" && slices.Equal(ids, got.ids)
	case o.verb == "appointmentBulkCreate":
		ids = m.opened(o)
	case m.sentence(ids[0]) == "": // deleted meanwhile
		return got.code == "NOT_FOUND" && reflect.DeepEqual(got.facts, notFound(typeOf(o.verb), ids[0]).refused[0].facts)
	}
	var rows []string
	for _, id := range ids {
		rows = append(rows, m.sentence(id))
	}
	return got.code == "" && slices.Equal(rows, got.rows)
}

// born are the ids that w does not know, for what operation i may make. Of a claim
// that was deleted before its payload was read, the refusal tells it.
func (m *machine) born(w model, ops []op, got []answer, i int, there *shown) births {
	b := births{"unseen", map[string]string{}, map[string]string{}}
	if len(got[i].ids) > 0 {
		b.person = got[i].ids[0]
	}
	if id, ok := got[i].facts["id"].(string); ok && ops[i].verb == "reservationCreate" && typeName(id) == "Reservation" {
		b.claims[ops[i].client+ops[i].slot] = id
	}
	slot := func(s shownSlot) {
		if _, known := w.slots[s.ID]; !known {
			b.slots[slotKey(s.Provider.ID, s.TimeSlot)] = s.ID
		}
	}
	claim := func(c shownClaim) {
		if _, known := w.claims[c.ID]; !known {
			b.claims[c.Client.ID+c.Appointment.ID] = c.ID
		}
	}
	for _, a := range got {
		for _, s := range a.slots {
			slot(s)
		}
		if a.claim != nil {
			claim(*a.claim)
		}
	}
	if there != nil {
		for _, e := range there.Appointments.Edges {
			slot(e.Node)
		}
		for _, e := range there.Reservations.Edges {
			claim(e.Node)
		}
	}
	return b
}

// orders are all orders of n things.
func orders(n int) (all [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, o := range orders(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(o), at, n-1))
		}
	}
	return all
}

// unexplained says what no order explains, and what the model expects in the given
// one. The test says it, as rapid is silent of what it cannot do again.
func (m *machine) unexplained(t *rapid.T, ops []op, got []answer, there *shown) {
	w := m.worlds[0].clone()
	for i, o := range ops {
		want := w.perform(o, m.born(w, ops, got, i, there))
		var rows []string
		for _, id := range want.ids {
			rows = append(rows, w.sentence(id))
		}
		m.t.Logf("%+v\n got %s %v %q\nwant %+v %q", o, got[i].code, got[i].facts, got[i].rows, want, rows)
	}
	if there != nil {
		m.t.Logf("it came to what is otherwise:\n%s", difference(there.tell(), w.tell()))
	}
	t.Fatalf("at %v: no order explains what was answered", m.now())
}
