package dataset

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

var small = Scale{Providers: 40}

// Whoever changes the rows changes what older runs are compared with.
func TestRowsAreTheSame(t *testing.T) {
	t.Parallel()
	sum := sha256.New()
	for _, table := range small.tables() {
		for row := range table.rows {
			if len(row) != len(table.columns) {
				t.Fatalf("%s: %d values for %d columns", table.name, len(row), len(table.columns))
			}
			fmt.Fprintln(sum, row...)
		}
	}
	const want = "272f9848e246c37a"
	if got := fmt.Sprintf("%.8x", sum.Sum(nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// claim is a client, or an appointment, at a time.
type claim struct {
	id   int
	time string
}

func TestNobodyIsInTwoPlaces(t *testing.T) {
	t.Parallel()
	busy := map[claim]bool{}
	take := func(client, appointment int) {
		start, _ := small.span(appointment - 1)
		for _, c := range []claim{{client, start}, {appointment, ""}} {
			if busy[c] {
				t.Fatalf("client %d, appointment %d: taken", client, appointment)
			}
			busy[c] = true
		}
	}
	for row := range small.reservations {
		if state, until := row[8], row[11]; state == "CONFIRMED" || until == far {
			take(row[3].(int), row[4].(int))
		}
	}
	free := small.Free(1 << 20)
	if len(free) < small.Appointments()/3 {
		t.Errorf("only %d are free", len(free))
	}
	for _, b := range free {
		take(b.Client, b.Appointment)
	}
}
