package migration

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/overlap"
)

// These are written out by hand, so that a schema that loses one is noticed.
var backing = []string{"appointments_provider_overlap", "reservations_client_busy", "reservations_slot_taken"}

func TestBackingConstraintsExist(t *testing.T) {
	var declared []string
	for _, x := range overlap.All() {
		declared = append(declared, x.Constraint)
	}
	slices.Sort(declared)
	if !slices.Equal(declared, backing) {
		t.Errorf("the schemas declare %q, want %q", declared, backing)
	}
	both(t, func(t *testing.T, name string) {
		db := newDB(t, name)
		apply(t, db, embedded(t, name))
		want, text := backing, "SELECT conname FROM pg_constraint WHERE contype = 'x' AND convalidated AND NOT condeferrable ORDER BY 1"
		if name == dialect.SQLite {
			want, text = nil, "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '% BEFORE %' AND tbl_name <> 'changes' ORDER BY 1"
			for _, name := range backing {
				want = append(want, name+"_insert", name+"_update")
			}
		}
		if got := query(t, db, text); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// seed is what the cases begin with: two clients, two providers, and slots of
// theirs, of which 303 overlaps the other two.
const seed = `
	INSERT INTO clients (id, created_at, updated_at, first_name, last_name) VALUES (1, @8:00, @8:00, 'Ada', 'L'), (2, @8:00, @8:00, 'Bob', 'M');
	INSERT INTO providers (id, created_at, updated_at, first_name, last_name) VALUES (101, @8:00, @8:00, 'Cleo', 'N'), (102, @8:00, @8:00, 'Dan', 'O');
	INSERT INTO appointments (id, created_at, updated_at, provider_id, time_slot, ends_at) VALUES
	(301, @8:00, @8:00, 101, @9:00, @9:15), (302, @8:00, @8:00, 101, @9:15, @9:30), (303, @8:00, @8:00, 102, @9:05, @9:20);`

// literal writes @9:05 as both databases, and the drivers, write that moment.
func literal(text string) string {
	return regexp.MustCompile(`@(\d+):(\d\d)`).ReplaceAllStringFunc(text, func(clock string) string {
		return fmt.Sprintf("'2026-03-01 %05s:00+00:00'", clock[1:])
	})
}

// opens is the statement that opens slot 1, round the gate.
func opens(provider int, from, to, status string) string {
	return literal(fmt.Sprintf(`INSERT INTO appointments (id, created_at, updated_at, provider_id, time_slot, ends_at, status)
		VALUES (1, @8:00, @8:00, %d, %s, %s, '%s')`, provider, from, to, status))
}

// reserves is the statement that reserves a slot, round the gate.
func reserves(id, client, slot int, state, from, until string) string {
	expiry := until
	if until == "NULL" {
		expiry = "@8:30"
	}
	return literal(fmt.Sprintf(`INSERT INTO reservations (id, created_at, updated_at, client_id, state, expiry, active_from, active_until, appointment_id, provider_id, time_slot, ends_at)
		SELECT %d, @8:00, @8:00, %d, '%s', %s, %s, %s, id, provider_id, time_slot, ends_at FROM appointments WHERE id = %d`,
		id, client, state, expiry, from, until, slot))
}

// In each case all statements but the last are fine, and the last is refused
// by the constraint or, where none is named, is fine, too.
var cases = []struct {
	name    string
	stmts   []string
	refused string
}{
	{"a slot over the end of another", []string{opens(101, "@9:25", "@9:40", "OPEN")}, "appointments_provider_overlap"},
	{"a slot over the start of another", []string{opens(101, "@8:50", "@9:05", "OPEN")}, "appointments_provider_overlap"},
	{"a slot inside another", []string{opens(101, "@9:05", "@9:10", "OPEN")}, "appointments_provider_overlap"},
	{"a slot around another", []string{opens(101, "@8:00", "@10:00", "OPEN")}, "appointments_provider_overlap"},
	{"the same slot again", []string{opens(101, "@9:00", "@9:15", "OPEN")}, "appointments_provider_overlap"},
	{"a slot right after another", []string{opens(101, "@9:30", "@9:45", "OPEN")}, ""},
	{"a slot right before another", []string{opens(101, "@8:45", "@9:00", "OPEN")}, ""},
	{"a slot of another provider", []string{opens(102, "@9:20", "@9:35", "OPEN")}, ""},
	{"a cancelled slot over another", []string{opens(101, "@9:00", "@9:15", "CANCELLED")}, ""},
	{"a slot over a cancelled one", []string{
		"UPDATE appointments SET status = 'CANCELLED' WHERE id = 301",
		opens(101, "@9:00", "@9:15", "OPEN"),
	}, ""},
	{"a cancelled slot reopened over another", []string{
		opens(101, "@9:00", "@9:15", "CANCELLED"),
		"UPDATE appointments SET status = 'OPEN' WHERE id = 1",
	}, "appointments_provider_overlap"},
	{"a slot moved over another", []string{literal("UPDATE appointments SET time_slot = @9:10 WHERE id = 302")}, "appointments_provider_overlap"},
	{"a slot given to a provider who has one then", []string{"UPDATE appointments SET provider_id = 102 WHERE id = 301"}, "appointments_provider_overlap"},
	{"a slot changed where it is", []string{"UPDATE appointments SET version = 2, provider_id = 101, status = 'OPEN' WHERE id = 301"}, ""},
	{"a slot that ends as it starts", []string{opens(101, "@10:00", "@10:00", "OPEN")}, "appointment_start_before_end"},
	{"a slot of a status that is none", []string{opens(101, "@10:00", "@10:15", "GONE")}, "appointment_known_status"},

	{"two who hold a slot", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		reserves(2, 2, 301, "HELD", "@8:29", "@8:59"),
	}, "reservations_slot_taken"},
	{"one client who holds a slot twice", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		reserves(2, 1, 301, "HELD", "@8:29", "@8:59"),
	}, "reservations_"},
	{"a hold right after one that ended", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		reserves(2, 2, 301, "HELD", "@8:30", "@9:00"),
	}, ""},
	{"a hold of a slot that someone has for good", []string{
		reserves(1, 1, 301, "CONFIRMED", "@8:00", "NULL"),
		reserves(2, 2, 301, "HELD", "@23:00", "@23:30"),
	}, "reservations_slot_taken"},
	{"a slot for good that someone holds", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		reserves(2, 2, 301, "CONFIRMED", "@8:10", "NULL"),
	}, "reservations_slot_taken"},
	{"a hold confirmed when another has the slot", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		reserves(2, 2, 301, "CONFIRMED", "@8:30", "NULL"),
		"UPDATE reservations SET state = 'CONFIRMED', active_until = NULL WHERE id = 1",
	}, "reservations_slot_taken"},
	{"a hold confirmed", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		"UPDATE reservations SET state = 'CONFIRMED', active_until = NULL WHERE id = 1",
	}, ""},
	{"a reservation moved to a slot that another has", []string{
		reserves(1, 1, 301, "CONFIRMED", "@8:00", "NULL"),
		reserves(2, 2, 302, "CONFIRMED", "@8:00", "NULL"),
		literal("UPDATE reservations SET appointment_id = 302, time_slot = @9:15, ends_at = @9:30 WHERE id = 1"),
	}, "reservations_slot_taken"},
	{"a claim that was over at once", []string{
		reserves(1, 1, 301, "CANCELLED", "@8:10", "@8:10"),
		reserves(2, 2, 301, "HELD", "@8:00", "@8:30"),
	}, ""},
	{"a claim over at once while another holds the slot", []string{
		reserves(1, 2, 301, "HELD", "@8:00", "@8:30"),
		reserves(2, 1, 301, "CANCELLED", "@8:10", "@8:10"),
	}, ""},
	{"a client at two places", []string{
		reserves(1, 1, 301, "CONFIRMED", "@8:00", "NULL"),
		reserves(2, 1, 303, "HELD", "@8:05", "@8:35"),
	}, "reservations_client_busy"},
	{"two clients at those places", []string{
		reserves(1, 1, 301, "CONFIRMED", "@8:00", "NULL"),
		reserves(2, 2, 303, "HELD", "@8:05", "@8:35"),
	}, ""},
	{"a client from one place to the next", []string{
		reserves(1, 1, 301, "CONFIRMED", "@8:00", "NULL"),
		reserves(2, 1, 302, "HELD", "@8:05", "@8:35"),
	}, ""},
	{"a client elsewhere once the first hold ended", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		reserves(2, 1, 303, "HELD", "@8:30", "@9:00"),
	}, ""},
	{"a client moved to be at two places", []string{
		reserves(1, 1, 302, "CONFIRMED", "@8:00", "NULL"),
		reserves(2, 2, 303, "CONFIRMED", "@8:00", "NULL"),
		"UPDATE reservations SET client_id = 1 WHERE id = 2",
	}, "reservations_client_busy"},

	{"another provider than the slot's", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		"UPDATE reservations SET provider_id = 102 WHERE id = 1",
	}, copied},
	{"another start than the slot's", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		literal("UPDATE reservations SET time_slot = @8:59 WHERE id = 1"),
	}, copied},
	{"another end than the slot's", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		literal("UPDATE reservations SET ends_at = @9:14 WHERE id = 1"),
	}, copied},
	{"a slot moved under its reservation", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		literal("UPDATE appointments SET time_slot = @8:59 WHERE id = 301"),
	}, copied},

	{"a hold that never ends", []string{reserves(1, 1, 301, "HELD", "@8:00", "NULL")}, "reservation_"},
	{"a confirmed claim that ends", []string{reserves(1, 1, 301, "CONFIRMED", "@8:00", "@8:30")}, "reservation_confirmed_stays"},
	{"a claim that ends before it starts", []string{reserves(1, 1, 301, "CANCELLED", "@8:00", "@7:59")}, "reservation_active_span"},
	{"a claim of a state that is none", []string{reserves(1, 1, 301, "GONE", "@8:00", "@8:30")}, "reservation_known_state"},
	{"a hold longer than its expiry", []string{
		reserves(1, 1, 301, "HELD", "@8:00", "@8:30"),
		literal("UPDATE reservations SET active_until = @8:31 WHERE id = 1"),
	}, "reservation_held_till_expiry"},
}

const copied = "reservations_appointment_id_copies"

func TestConstraintsRefuse(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		db := newDB(t, name)
		apply(t, db, embedded(t, name))
		mustExec(t, db, literal(seed))
		for _, c := range cases {
			err := try(t, db, c.stmts)
			want := c.refused
			if want == copied && name == dialect.SQLite {
				want = "FOREIGN KEY" // SQLite does not say which
			}
			switch {
			case c.refused == "" && err != nil:
				t.Errorf("%s: %v", c.name, err)
			case c.refused != "" && err == nil:
				t.Errorf("%s: not refused by %s", c.name, want)
			case err != nil && !strings.Contains(err.Error(), want):
				t.Errorf("%s: refused by %v, want %s", c.name, err, want)
			}
		}
	})
}

// try returns what the last statement says, and leaves no trace.
func try(t *testing.T, db *database.DB, stmts []string) error {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for i, text := range stmts {
		if _, err = tx.ExecContext(t.Context(), text); err != nil && i < len(stmts)-1 {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return err
}
