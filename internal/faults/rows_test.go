package faults_test

import (
	"fmt"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/scalar"
)

// rows are those that the database has, by their ids.
type rows struct {
	clients      map[string]string // last name
	appointments map[string]*offered
	reservations map[string]*claim
}

type offered struct {
	provider, status string
	start            time.Time
	version          int
}

type claim struct {
	client, appointment, state string
	confirmed                  bool
	version                    int
}

// stored reads all rows that callers write.
func stored(t *testing.T, db *database.DB) *rows {
	t.Helper()
	r := &rows{map[string]string{}, map[string]*offered{}, map[string]*claim{}}
	query(t, db, "SELECT id, last_name FROM clients", func(scan func(...any)) {
		var id int
		var name string
		scan(&id, &name)
		r.clients[scalar.FormatID(id)] = name
	})
	query(t, db, "SELECT id, provider_id, status, time_slot, version FROM appointments", func(scan func(...any)) {
		var id, provider int
		a := &offered{}
		scan(&id, &provider, &a.status, &a.start, &a.version)
		a.provider, a.start = scalar.FormatID(provider), a.start.UTC()
		r.appointments[scalar.FormatID(id)] = a
	})
	query(t, db, "SELECT id, client_id, appointment_id, state, confirmed_at IS NOT NULL, version FROM reservations", func(scan func(...any)) {
		var id, client, appointment int
		c := &claim{}
		scan(&id, &client, &appointment, &c.state, &c.confirmed, &c.version)
		c.client, c.appointment = scalar.FormatID(client), scalar.FormatID(appointment)
		r.reservations[scalar.FormatID(id)] = c
	})
	return r
}

func query(t *testing.T, db *database.DB, text string, row func(scan func(...any))) {
	t.Helper()
	found, err := db.QueryContext(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		row(func(to ...any) {
			if err := found.Scan(to...); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
}

const (
	// overlapping claims: both last at all, and they share an instant.
	claimsOverlap = `(a.active_until IS NULL OR a.active_from < a.active_until) AND (b.active_until IS NULL OR b.active_from < b.active_until)
		AND (b.active_until IS NULL OR a.active_from < b.active_until) AND (a.active_until IS NULL OR b.active_from < a.active_until)`
	slotsOverlap = "a.time_slot < b.ends_at AND b.time_slot < a.ends_at"
)

// forbidden are the rows, and the pairs of rows, that must never be.
var forbidden = map[string]string{
	"a slot with two holders":          "reservations AS a JOIN reservations AS b ON a.id < b.id AND a.appointment_id = b.appointment_id WHERE " + claimsOverlap,
	"a client at two places":           "reservations AS a JOIN reservations AS b ON a.id < b.id AND a.client_id = b.client_id WHERE " + slotsOverlap + " AND " + claimsOverlap,
	"a provider at two places":         "appointments AS a JOIN appointments AS b ON a.id < b.id AND a.provider_id = b.provider_id WHERE " + slotsOverlap + " AND a.status = 'OPEN' AND b.status = 'OPEN'",
	"a claim on what is gone":          "reservations AS a JOIN appointments AS b ON a.appointment_id = b.id WHERE b.status = 'CANCELLED' AND a.state = 'CONFIRMED'",
	"a reservation of no slot":         "reservations AS a LEFT JOIN appointments AS b ON a.appointment_id = b.id WHERE b.id IS NULL OR a.time_slot <> b.time_slot OR a.ends_at <> b.ends_at OR a.provider_id <> b.provider_id",
	"a reservation of no client":       "reservations AS a LEFT JOIN clients AS b ON a.client_id = b.id WHERE b.id IS NULL",
	"a cancelled one that is still on": "reservations AS a WHERE a.state = 'CANCELLED' AND (a.cancelled_at IS NULL OR a.active_until IS NULL)",
}

// unlawful says which rules of booking the rows break, and whether the file is
// damaged.
func unlawful(t *testing.T, db *database.DB) (wrong []string) {
	t.Helper()
	for what, where := range forbidden {
		query(t, db, "SELECT count(*) FROM "+where, func(scan func(...any)) {
			var n int
			if scan(&n); n > 0 {
				wrong = append(wrong, fmt.Sprintf("%s: %d times", what, n))
			}
		})
	}
	if db.Dialect == dialect.SQLite {
		query(t, db, "PRAGMA integrity_check", func(scan func(...any)) {
			var word string
			if scan(&word); word != "ok" {
				wrong = append(wrong, "the file is damaged: "+word)
			}
		})
	}
	return wrong
}
