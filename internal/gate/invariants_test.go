package gate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/reservation"
	"docket/internal/database"
	"docket/internal/dbtest"
)

const (
	// overlapping claims: both last at all, and they share an instant.
	claimsOverlap = `(a.active_until IS NULL OR a.active_from < a.active_until) AND (b.active_until IS NULL OR b.active_from < b.active_until)
		AND (b.active_until IS NULL OR a.active_from < b.active_until) AND (a.active_until IS NULL OR b.active_from < a.active_until)`
	slotsOverlap = "a.time_slot < b.ends_at AND b.time_slot < a.ends_at"
)

// violations counts the pairs of rows that must not be, past ones included.
func (b *bundle) violations(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for what, pairs := range map[string]string{
		"two have a slot":           "reservations AS a JOIN reservations AS b ON a.id < b.id AND a.appointment_id = b.appointment_id WHERE " + claimsOverlap,
		"a client at two places":    "reservations AS a JOIN reservations AS b ON a.id < b.id AND a.client_id = b.client_id WHERE " + slotsOverlap + " AND " + claimsOverlap,
		"a provider at two places":  "appointments AS a JOIN appointments AS b ON a.id < b.id AND a.provider_id = b.provider_id WHERE " + slotsOverlap + " AND a.status = 'OPEN' AND b.status = 'OPEN'",
		"somebody has what is gone": "reservations AS a JOIN appointments AS b ON a.appointment_id = b.id WHERE b.status = 'CANCELLED' AND a.state = 'CONFIRMED'",
	} {
		var n int
		must(t, b.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+pairs).Scan(&n))
		if n > 0 {
			found[what] = n
		}
	}
	return found
}

// sound fails the test if the race left what must not be, if a constraint had
// to step in, or if there were deadlocks: they would only cost time, but the
// order of locks is there to prevent them.
func (b *bundle) sound(t *testing.T) {
	t.Helper()
	for what, n := range b.violations(t) {
		t.Errorf("%s: %d times", what, n)
	}
	b.log.silent(t)
	if b.db.Dialect == dialect.Postgres {
		var deadlocks int
		must(t, b.db.QueryRowContext(t.Context(), "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(&deadlocks))
		if deadlocks > 0 {
			t.Errorf("%d deadlocks", deadlocks)
		}
	}
}

// ungated removes the constraints behind the gate.
func (b *bundle) ungated(t *testing.T) {
	t.Helper()
	for name, table := range map[string]string{
		"reservations_slot_taken": "reservations", "reservations_client_busy": "reservations", "appointments_provider_overlap": "appointments",
	} {
		statements := []string{"DROP TRIGGER " + name + "_insert", "DROP TRIGGER " + name + "_update"}
		if b.db.Dialect == dialect.Postgres {
			statements = []string{"ALTER TABLE " + table + " DROP CONSTRAINT " + name}
		}
		for _, s := range statements {
			_, err := b.db.ExecContext(t.Context(), s)
			must(t, err)
		}
	}
}

// The tests below believe violations; this one shows that it sees them.
func TestViolationsAreSeen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		b.ungated(t)
		client, provider := b.client(t), b.provider(t)
		slot := b.slotOf(t, provider, tomorrow)
		write := func(evil *orm.ReservationCreate) { t.Helper(); must(t, evil.Exec(b.request(t))) }
		write(b.evil(t, client, slot))
		// Neighbours in time, on every side.
		b.slotOf(t, provider, tomorrow+length)
		write(b.evil(t, client, b.slot(t, tomorrow-length)))
		write(b.evil(t, b.client(t), slot).SetActiveFrom(noon.Add(time.Hour)).SetActiveUntil(noon.Add(2 * time.Hour)).SetExpiry(noon.Add(2 * time.Hour)))
		same(t, "neighbours", b.violations(t), map[string]int{})

		b.slotOf(t, provider, tomorrow-time.Microsecond)
		write(b.evil(t, client, b.slot(t, tomorrow+length-time.Microsecond)))
		write(b.evil(t, b.client(t), slot).SetActiveFrom(noon.Add(2*time.Hour - time.Microsecond)).
			SetActiveUntil(noon.Add(3 * time.Hour)).SetExpiry(noon.Add(3 * time.Hour)))
		gone := b.slot(t, tomorrow+time.Hour)
		id := b.confirmed(t, b.client(t), gone)
		must(t, b.CancelAppointment(b.request(t), gone))
		must(t, b.DB.Reservation.UpdateOneID(id).SetState(reservation.StateCONFIRMED).ClearActiveUntil().Exec(b.request(t)))
		same(t, "overlaps", b.violations(t), map[string]int{
			"two have a slot": 1, "a client at two places": 1, "a provider at two places": 1, "somebody has what is gone": 1,
		})
	})
}

// Everybody does anything, for a while, on a database that would let them: the
// gate alone keeps the rules.
func TestTheGateAlone(t *testing.T) {
	t.Parallel()
	const workers, verbs = 8, 25
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := race(t, db)
		b.ungated(t)
		b.clock.step = 20 * time.Second // so that holds end while this runs
		b.Rules.AdvanceNotice = 0
		clients, providers := b.clients(t, 5), []int{b.provider(t), b.provider(t), b.provider(t)}
		for i, p := range providers { // shifted, so that overlapping is more than being equal
			from := noon.Add(240*time.Hour + time.Duration(i)*5*time.Minute)
			must(t, b.Open(b.request(t), p, from, from.Add(4*length)))
		}
		slots, err := b.DB.Appointment.Query().IDs(entity.Service(t.Context()))
		must(t, err)
		granted := make([]map[string]int, workers)
		tally(t, together(each(workers, func(w int) error {
			granted[w] = map[string]int{}
			by := rand.New(rand.NewPCG(1, uint64(w))) //nolint:gosec // much the same every time
			return b.wander(t, by, verbs, clients, providers, slots, granted[w])
		})...))
		total := map[string]int{}
		for _, g := range granted {
			for verb, n := range g {
				total[verb] += n
			}
		}
		for _, verb := range []string{"reserve", "confirm", "cancel", "reschedule", "withdraw", "open"} {
			if total[verb] == 0 {
				t.Errorf("nobody could %s: %v", verb, total)
			}
		}
		b.sound(t)
	})
}

// wander does n verbs by chance, and counts which were granted.
func (b *bundle) wander(t *testing.T, by *rand.Rand, n int, clients, providers, slots []int, granted map[string]int) error {
	t.Helper()
	var ids []int
	one := func(of []int) int { return of[by.IntN(len(of))] }
	for range n {
		verb, err := "reserve", error(nil)
		switch chance := by.IntN(20); {
		case chance < 8 || len(ids) == 0:
			var id int
			if id, err = b.Reserve(b.request(t), one(clients), one(slots)); err == nil {
				ids = append(ids, id)
			}
		case chance < 11:
			verb, err = "confirm", b.Confirm(b.request(t), one(ids))
		case chance < 14:
			verb, err = "cancel", b.Cancel(b.request(t), one(ids))
		case chance < 18:
			verb, err = "reschedule", b.Reschedule(b.request(t), one(ids), one(slots))
		case chance < 19:
			verb, err = "withdraw", b.CancelAppointment(b.request(t), one(slots))
		default:
			from := noon.Add(240*time.Hour + time.Duration(by.IntN(4))*5*time.Minute)
			verb, err = "open", b.Open(b.request(t), one(providers), from, from.Add(2*length))
		}
		if err == nil {
			granted[verb]++
		} else if codeOf(t, err) == "ERROR" {
			return err
		}
	}
	return nil
}
