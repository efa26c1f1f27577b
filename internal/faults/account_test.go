package faults_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"docket/internal/database"
)

// account is what the callers were told, and what does not fit the rows.
type account struct {
	*rows
	asked map[string][]*operation // by verb, in the order of each caller
	wrong []string
}

// balanced fails the test where the rows of the database break a rule, or do
// not fit the callers' journals.
func (l *load) balanced(t *testing.T, db *database.DB) {
	t.Helper()
	totals.add(t, func(sum *tally) {
		sum.rounds++
		for _, c := range l.callers {
			sum.count(c.journal)
		}
	})
	for _, wrong := range append(unlawful(t, db), l.audit(t, db)...) {
		violation(t, "%s", wrong)
	}
}

// audit holds the rows against the journals, and says what does not fit.
func (l *load) audit(t *testing.T, db *database.DB) []string {
	t.Helper()
	a := &account{rows: stored(t, db), asked: map[string][]*operation{}}
	for _, c := range l.callers {
		for _, o := range c.journal {
			a.asked[o.verb] = append(a.asked[o.verb], o)
			if l.keyed && o.outcome == unknown {
				a.find("asked again and again, nobody says what became of %s %v", o.verb, o.input)
			}
		}
	}
	a.clientsBalance()
	a.slotsBalance()
	a.withdrawalsBalance()
	a.reservationsBalance()
	return a.wrong
}

func (a *account) find(format string, args ...any) {
	a.wrong = append(a.wrong, fmt.Sprintf(format, args...))
}

// some reports whether there is an operation of the verb, not refused, of which
// is is true.
func (a *account) some(verb string, is func(*operation) bool) bool {
	return slices.ContainsFunc(a.asked[verb], func(o *operation) bool { return o.outcome != refused && is(o) })
}

// on is true of operations that name the id in their input.
func on(name, id string) func(*operation) bool {
	return func(o *operation) bool { return o.input[name] == id }
}

// clientsBalance: a client's last name is the key of the operation that made it.
func (a *account) clientsBalance() {
	made := map[string][]string{}
	for id, name := range a.clients {
		made[name] = append(made[name], id)
	}
	for _, o := range a.asked["clientCreate"] {
		ids := made[o.key]
		delete(made, o.key)
		switch {
		case o.outcome == acknowledged && !slices.Equal(ids, []string{o.got.ID}):
			a.find("the client %s was acknowledged as %s and is %v", o.key, o.got.ID, ids)
		case o.outcome == refused && len(ids) > 0:
			a.find("the client %s was refused and is %v", o.key, ids)
		case len(ids) > 1:
			a.find("the client %s was asked for once and is %v", o.key, ids)
		}
	}
	for name, ids := range made {
		a.find("nobody asked for the client %s, who is %v", name, ids)
	}
}

type place struct {
	provider string
	start    time.Time
}

// slotsBalance: what was opened is there, whole; and each slot was opened.
func (a *account) slotsBalance() {
	there := map[place]int{}
	for _, s := range a.appointments {
		there[place{s.provider, s.start}]++
	}
	asked := map[place]bool{}
	for _, o := range a.asked["appointmentBulkCreate"] {
		if o.outcome == refused {
			continue
		}
		start, _ := time.Parse(time.RFC3339, o.input["startTime"].(string)) // as the caller wrote it
		n := 0
		for i := range span {
			p := place{o.input["providerId"].(string), start.Add(time.Duration(i) * slot)}
			asked[p] = true
			if there[p] > 0 {
				n++
			}
		}
		if n != span && (n != 0 || o.outcome == acknowledged) {
			a.find("of %d slots opened from %v on, %d are there (outcome %d)", span, start, n, o.outcome)
		}
		for _, e := range o.got.Edges {
			if s := a.appointments[e.Node.ID]; s == nil || !s.start.Equal(e.Node.TimeSlot) {
				a.find("the slot %s at %v was acknowledged, and is %+v", e.Node.ID, e.Node.TimeSlot, s)
			}
		}
	}
	for p := range there {
		if !asked[p] {
			a.find("nobody opened the slot at %v", p.start)
		}
	}
}

// withdrawalsBalance: a slot is withdrawn if, and only if, somebody did.
func (a *account) withdrawalsBalance() {
	for _, o := range a.asked["appointmentCancel"] {
		if s := a.appointments[o.input["appointmentId"].(string)]; o.outcome == acknowledged && (s == nil || s.status != "CANCELLED") {
			a.find("the slot %v was withdrawn, and is %+v", o.input, s)
		}
	}
	for id, s := range a.appointments {
		if s.status == "CANCELLED" && !a.some("appointmentCancel", on("appointmentId", id)) {
			a.find("nobody withdrew the slot %s", id)
		}
		if changes := s.version - 1; s.status == "OPEN" && changes != 0 || changes > 1 {
			a.find("the slot %s was changed %d times", id, changes)
		}
	}
}

// reservationsBalance: each reservation is where those who asked for it, and
// for its changes, were told.
func (a *account) reservationsBalance() {
	born := map[string]*operation{} // those that were acknowledged, by id
	open := map[[2]string]int{}     // those that nobody knows of, by client and slot
	for _, o := range a.asked["reservationCreate"] {
		switch o.outcome {
		case acknowledged:
			r := a.reservations[o.got.ID]
			if r == nil || r.client != o.input["clientId"] || r.version < o.got.Version {
				a.find("the reservation %s (version %d) was acknowledged, and is %+v", o.got.ID, o.got.Version, r)
			}
			if born[o.got.ID] == nil {
				born[o.got.ID] = o
			}
		case unknown:
			open[[2]string{o.input["clientId"].(string), o.input["appointmentId"].(string)}]++
		case refused:
		}
	}
	for id, r := range a.reservations {
		asked := [2]string{r.client, r.appointment}
		o := born[id]
		if o == nil {
			if open[asked]--; open[asked] < 0 {
				a.find("nobody asked for the reservation %s: %+v", id, r)
			}
			continue
		}
		a.confirmBalances(id, r)
		a.cancelBalances(id, r)
		a.moveBalances(id, r, o)
	}
}

// answered are the operations of a verb on a reservation that were done, or may
// have been.
func (a *account) answered(verb, id string) (done, perhaps []*operation) {
	for _, o := range a.asked[verb] {
		switch {
		case o.input["reservationId"] != id:
		case o.outcome == acknowledged:
			done = append(done, o)
		case o.outcome == unknown:
			perhaps = append(perhaps, o)
		}
	}
	return done, perhaps
}

func (a *account) confirmBalances(id string, r *claim) {
	done, perhaps := a.answered("reservationConfirm", id)
	if len(done) > 0 && !r.confirmed || r.confirmed && len(done)+len(perhaps) == 0 {
		a.find("the reservation %s was confirmed %d times, and perhaps %d, and is %+v", id, len(done), len(perhaps), r)
	}
}

func (a *account) cancelBalances(id string, r *claim) {
	done, perhaps := a.answered("reservationCancel", id)
	gone := r.state == "CANCELLED"
	if s := a.appointments[r.appointment]; s != nil && s.status == "CANCELLED" && !gone { // no hold ends in these tests
		a.find("the reservation %s is still on a slot that was withdrawn: %+v", id, r)
	}
	if len(done) > 0 && !gone || gone && len(done)+len(perhaps) == 0 && !a.some("appointmentCancel", on("appointmentId", r.appointment)) {
		a.find("the reservation %s was cancelled %d times, and perhaps %d, and is %+v", id, len(done), len(perhaps), r)
	}
}

// moveBalances: a reservation is on the slot that it was last moved to, unless
// a move that nobody knows of came between, or one that was settled late.
func (a *account) moveBalances(id string, r *claim, born *operation) {
	done, perhaps := a.answered("reservationReschedule", id)
	possible, late := []any{born.input["appointmentId"]}, perhaps
	for _, o := range done {
		if o.late {
			late = append(late, o)
		} else {
			possible[0] = o.input["appointmentId"]
		}
	}
	for _, o := range late {
		possible = append(possible, o.input["appointmentId"])
	}
	if !slices.Contains(possible, any(r.appointment)) {
		a.find("the reservation %s is on %s, and may be on %v", id, r.appointment, possible)
	}
	most := 1 + len(done) + len(perhaps)
	if r.confirmed {
		most++
	}
	if r.state == "CANCELLED" {
		most++
	}
	for _, o := range done {
		if r.version < o.got.Version {
			a.find("the reservation %s was version %d, and is %d", id, o.got.Version, r.version)
		}
	}
	if r.version > most {
		a.find("the reservation %s was changed %d times, and asked to be %d", id, r.version-1, most-1)
	}
}
