package deploy_test

import (
	"fmt"
	"strings"
	"testing"
)

// witness asks before the moment what it asks again after the restore.
type witness struct {
	*booker
	page         string // behind a cursor
	early, late  string // slots: one asked for before the moment, one after it
	acknowledged string // the reservation of the early one
	cursor       string
}

func (w *witness) reserve(key, slot string) (string, error) {
	return w.id("reservationCreate", fmt.Sprintf("clientId: %q, appointmentId: %q, idempotencyKey: %q", w.client, slot, key), "reservation")
}

func (w *witness) behind(t *testing.T) string {
	t.Helper()
	data, err := w.ask(fmt.Sprintf(`{ clients(first: 2, after: %q) { edges { cursor node { id } } } }`, w.cursor))
	if err != nil {
		t.Fatal(w.failed)
	}
	return string(data)
}

func newWitness(t *testing.T, base string) *witness {
	t.Helper()
	w := &witness{booker: newBooker(t, base)}
	err := w.open()
	if err == nil {
		w.early, w.late = w.slots[0], w.slots[1]
		w.acknowledged, err = w.reserve("early", w.early)
	}
	if err != nil {
		t.Fatal(err, w.failed)
	}
	data, err := w.ask(`{ clients(first: 1) { pageInfo { endCursor } } }`)
	if err != nil {
		t.Fatal(w.failed)
	}
	_, w.cursor, _ = strings.Cut(string(data), `"endCursor":"`)
	w.cursor, _, _ = strings.Cut(w.cursor, `"`)
	w.page = w.behind(t)
	return w
}

// testifies asks again, of a server on what was restored.
func (w *witness) testifies(t *testing.T, base string) {
	t.Helper()
	w.base = base
	if page := w.behind(t); page != w.page || !strings.Contains(page, "cursor") {
		t.Errorf("a cursor leads to %s, and led to %s", page, w.page)
	}
	if id, err := w.reserve("early", w.early); err != nil || id != w.acknowledged {
		t.Errorf("what was asked before the moment, and is asked again, is %s, was %s: %v %v", id, w.acknowledged, err, w.failed)
	}
	if _, err := w.reserve("late", w.late); err != nil {
		t.Errorf("what was lost, and is asked again, is not done again: %v", w.failed)
	}
}
