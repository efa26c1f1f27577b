package faults_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"docket/internal/database"
	"docket/internal/dbtest"
)

// The other tests believe the account; this one shows that it sees what is lost,
// what is there although it was refused, and what is there in part or twice.
func TestTheAccountSees(t *testing.T) {
	t.Parallel()
	url := "sqlite://" + filepath.Join(t.TempDir(), "docket.db")
	s := serve(t, url)
	l := newLoad(t, s, rand.New(rand.NewPCG(1, 2)), 3) //nolint:gosec // much the same every time
	for range 60 {                                     // in turn, so that all of it is the same every time
		for _, c := range l.callers {
			c.act(t)
		}
	}
	s.kill(t)
	db := dbtest.At(t, url)
	if wrong := append(unlawful(t, db), l.audit(t, db)...); wrong != nil {
		t.Fatal("without a fault: ", wrong)
	}
	for _, damage := range []struct{ statement, want string }{
		{"DELETE FROM clients WHERE id = (SELECT max(id) FROM clients)", "was acknowledged as"},
		{"UPDATE clients SET last_name = 'Nobody' WHERE id = (SELECT max(id) FROM clients)", "nobody asked for the client Nobody"},
		{"INSERT INTO clients SELECT id + 100000, created_at, updated_at, version, first_name, last_name, NULL FROM clients LIMIT 1", "is [Q2"},
		{"DELETE FROM appointments WHERE time_slot = (SELECT min(time_slot) FROM appointments)", "of 16 slots"},
		{"UPDATE appointments SET time_slot = '2031-01-01 00:00:00+00:00' WHERE id = (SELECT min(id) FROM appointments)", "nobody opened the slot"},
		{"UPDATE appointments SET status = 'CANCELLED', version = 2 WHERE id = (SELECT max(id) FROM appointments WHERE status = 'OPEN')", "nobody withdrew"},
		{"UPDATE appointments SET status = 'OPEN' WHERE id = (SELECT max(id) FROM appointments WHERE status = 'CANCELLED')", "was withdrawn, and is"},
		{"DELETE FROM reservations WHERE id = (SELECT min(id) FROM reservations)", "was acknowledged, and is <nil>"},
		{"UPDATE reservations SET confirmed_at = NULL WHERE confirmed_at IS NOT NULL", "was confirmed"},
		{"UPDATE reservations SET confirmed_at = created_at WHERE confirmed_at IS NULL", "was confirmed 0 times"},
		{"UPDATE reservations SET state = 'HELD', active_until = expiry WHERE state = 'CANCELLED'", "was cancelled"},
		{"UPDATE reservations SET version = version + 1", "and asked to be"},
		{"UPDATE reservations SET version = version - 1", "was version"},
		{"UPDATE reservations SET appointment_id = (SELECT max(id) FROM appointments)", "and may be on"},
		{"UPDATE reservations SET active_from = '2020-01-01 00:00:00+00:00', active_until = NULL, state = 'CONFIRMED'", "a slot with two holders"},
		{"UPDATE reservations SET client_id = 1", "a reservation of no client"},
	} {
		t.Run(damage.want, func(t *testing.T) {
			broken := filepath.Join(t.TempDir(), "broken.db")
			if _, err := db.ExecContext(t.Context(), "VACUUM INTO '"+broken+"'"); err != nil {
				t.Fatal(err)
			}
			wrecked := dbtest.At(t, "sqlite://"+broken)
			wrecked.SetMaxOpenConns(1)
			for _, statement := range append(unguarded(t, wrecked), damage.statement) {
				if _, err := wrecked.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			wrong := append(unlawful(t, wrecked), l.audit(t, wrecked)...)
			if !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, damage.want) }) {
				t.Errorf("%s went unseen among %v", damage.statement, wrong)
			}
		})
	}
}

// unguarded are the statements after which the database lets anything be written.
func unguarded(t *testing.T, db *database.DB) []string {
	t.Helper()
	all := []string{"PRAGMA foreign_keys = 0", "PRAGMA ignore_check_constraints = 1"}
	query(t, db, "SELECT name FROM sqlite_master WHERE type = 'trigger'", func(scan func(...any)) {
		var name string
		scan(&name)
		all = append(all, "DROP TRIGGER "+name)
	})
	return all
}
