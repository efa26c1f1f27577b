package gate_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/ent/orm"
	"docket/internal/audit"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/gate"
	"docket/internal/viewer"
)

// These hold the verbs against transactions written by hand that lock, look,
// decide and write the same, with every statement prepared:
//
//	go test -run '^$' -bench . -benchtime 2000x ./internal/gate

// byHand is what a person would write for one database.
type byHand struct {
	db                                               *sql.DB
	lockBoth, rivals, insert, lockOne, read, confirm *sql.Stmt
}

func writtenByHand(b *testing.B, db *database.DB) *byHand {
	b.Helper()
	lock := ""
	if db.Dialect == dialect.Postgres {
		lock = " FOR NO KEY UPDATE OF c, a"
	}
	prepare := func(text string) *sql.Stmt {
		st, err := db.PrepareContext(b.Context(), text)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = st.Close() })
		return st
	}
	return &byHand{
		db: db.DB,
		lockBoth: prepare(`SELECT a.provider_id, a.time_slot, a.ends_at, a.status FROM appointments a, clients c
			WHERE a.id = $1 AND c.id = $2` + lock),
		rivals: prepare(`SELECT id, client_id, appointment_id, time_slot, ends_at, state, expiry FROM reservations WHERE state <> 'CANCELLED'
			AND (appointment_id = $1 OR client_id = $2 AND time_slot < $3 AND ends_at > $4) ORDER BY id`),
		insert: prepare(`INSERT INTO reservations (created_at, updated_at, version, client_id, appointment_id, provider_id, time_slot, ends_at, state, expiry, active_from, active_until)
			VALUES ($1, $1, 1, $2, $3, $4, $5, $6, 'HELD', $7, $1, $7) RETURNING id`),
		lockOne: prepare(`SELECT a.id FROM reservations r, clients c, appointments a
			WHERE r.id = $1 AND c.id = r.client_id AND a.id = r.appointment_id` + lock),
		read:    prepare(`SELECT appointment_id, state, expiry FROM reservations WHERE id = $1`),
		confirm: prepare(`UPDATE reservations SET state = 'CONFIRMED', confirmed_at = $1, active_until = NULL, updated_at = $1, version = version + 1 WHERE id = $2`),
	}
}

func (h *byHand) reserve(ctx context.Context, now time.Time, client, appointment int) (id int, err error) {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }()
	a, provider, status := booking.Appointment{ID: booking.ID(appointment)}, 0, ""
	if err := tx.StmtContext(ctx, h.lockBoth).QueryRowContext(ctx, appointment, client).Scan(&provider, &a.Slot.Start, &a.Slot.End, &status); err != nil {
		return 0, err
	}
	a.Cancelled = status == "CANCELLED"
	rows, err := tx.StmtContext(ctx, h.rivals).QueryContext(ctx, appointment, client, a.Slot.End, a.Slot.Start)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var rivals []booking.Reservation
	for rows.Next() {
		var r booking.Reservation
		if err := rows.Scan(&r.ID, &r.Client, &r.Appointment, &r.Slot.Start, &r.Slot.End, &r.State, &r.Expiry); err != nil {
			return 0, err
		}
		rivals = append(rivals, r)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	rules := booking.DefaultRules()
	if _, err := rules.Reserve(now, booking.ID(client), a, rivals); err != nil {
		return 0, err
	}
	err = tx.StmtContext(ctx, h.insert).QueryRowContext(ctx, now, client, appointment, provider, a.Slot.Start, a.Slot.End, now.Add(rules.HoldLength)).Scan(&id)
	if err != nil {
		return 0, err
	}
	return id, tx.Commit()
}

func (h *byHand) confirmHold(ctx context.Context, now time.Time, id int) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var locked int
	if err := tx.StmtContext(ctx, h.lockOne).QueryRowContext(ctx, id).Scan(&locked); err != nil {
		return err
	}
	r, appointment := booking.Reservation{ID: booking.ID(id)}, 0
	if err := tx.StmtContext(ctx, h.read).QueryRowContext(ctx, id).Scan(&appointment, &r.State, &r.Expiry); err != nil {
		return err
	}
	if _, err := booking.Confirm(now, r, booking.Appointment{}); err != nil || appointment != locked {
		return fmt.Errorf("moved to %d: %w", appointment, err)
	}
	if _, err := tx.StmtContext(ctx, h.confirm).ExecContext(ctx, now, id); err != nil {
		return err
	}
	return tx.Commit()
}

// bookings are n clients, each with a slot of its own.
func bookings(b *testing.B, d desk, n int) (ctx context.Context, clients, slots []int) {
	b.Helper()
	ctx = booking.NewContext(viewer.NewContext(b.Context(), viewer.Local()), booking.Moment{Now: noon, Rules: d.Rules})
	ctx = audit.NewContext(ctx, audit.Asking{Viewer: "auth0|5f7c8ec7c33c6c004bbafe82", Operation: "reservationCreate"})
	fail := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	p, err := d.DB.Provider.Create().SetFirstName("Pia").SetLastName("Provider").Save(ctx)
	fail(err)
	for len(slots) < n {
		from := noon.Add(tomorrow + time.Duration(len(slots))*length)
		batch := make([]struct{}, min(500, n-len(slots)))
		made, err := d.DB.Customer.MapCreateBulk(batch, func(c *orm.CustomerCreate, i int) { c.SetFirstName("Cleo").SetLastName(fmt.Sprint(i)) }).Save(ctx)
		fail(err)
		opened, err := d.DB.Appointment.MapCreateBulk(batch, func(c *orm.AppointmentCreate, i int) {
			start := from.Add(time.Duration(i) * length)
			c.SetProviderID(p.ID).SetTimeSlot(start).SetEndsAt(start.Add(length))
		}).Save(ctx)
		fail(err)
		for i := range batch {
			clients, slots = append(clients, made[i].ID), append(slots, opened[i].ID)
		}
	}
	return ctx, clients, slots
}

func BenchmarkReserveAndConfirm(b *testing.B) {
	for _, name := range dbtest.Dialects() {
		for _, who := range []string{"gate", "hand"} {
			b.Run(name+"/"+who, func(b *testing.B) {
				db := dbtest.Open(b, name)
				d := desk{&gate.Gate{Rules: booking.DefaultRules(), Clock: func() time.Time { return noon }}, db.ORM()}
				hand := writtenByHand(b, db)
				ctx, clients, slots := bookings(b, d, b.N)
				reserve := d.Reserve
				confirm := d.Confirm
				if who == "hand" {
					reserve = func(ctx context.Context, client, slot int) (int, error) { return hand.reserve(ctx, noon, client, slot) }
					confirm = func(ctx context.Context, id int) error { return hand.confirmHold(ctx, noon, id) }
				}
				held := make([]int, b.N)
				b.ResetTimer()
				start := time.Now()
				for i := range b.N {
					id, err := reserve(ctx, clients[i], slots[i])
					if err != nil {
						b.Fatal(err)
					}
					held[i] = id
				}
				b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(b.N)/1e3, "µs/reserve")
				start = time.Now()
				for _, id := range held {
					if err := confirm(ctx, id); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(b.N)/1e3, "µs/confirm")
			})
		}
	}
}

// openByHand inserts the slots with one statement, as somebody would who knows
// that none is open: the least that opening them can cost.
func openByHand(ctx context.Context, db *database.DB, provider int, slots []booking.Slot) error {
	var values strings.Builder
	args := make([]any, 0, 2+2*len(slots))
	args = append(args, noon, provider)
	for i, s := range slots {
		if i > 0 {
			values.WriteString(", ")
		}
		fmt.Fprintf(&values, "($1, $1, 1, $2, $%d, $%d, 'OPEN')", 3+2*i, 4+2*i)
		args = append(args, s.Start, s.End)
	}
	_, err := db.ExecContext(ctx, "INSERT INTO appointments (created_at, updated_at, version, provider_id, time_slot, ends_at, status) VALUES "+values.String(), args...)
	return err
}

func BenchmarkOpen(b *testing.B) {
	const n = 1000
	for _, name := range dbtest.Dialects() {
		for _, who := range []string{"gate", "hand"} {
			b.Run(name+"/"+who, func(b *testing.B) {
				db := dbtest.Open(b, name)
				d := desk{&gate.Gate{Rules: booking.DefaultRules(), Clock: func() time.Time { return noon }}, db.ORM()}
				ctx := booking.NewContext(viewer.NewContext(b.Context(), viewer.Local()), booking.Moment{Now: noon, Rules: d.Rules})
				slots, err := d.Rules.Cut(noon, noon.Add(n*length))
				if err != nil {
					b.Fatal(err)
				}
				for range b.N {
					b.StopTimer()
					p, err := d.DB.Provider.Create().SetFirstName("Pia").SetLastName("Provider").Save(ctx)
					if err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
					if who == "hand" {
						err = openByHand(ctx, db, p.ID, slots)
					} else {
						err = d.Open(ctx, p.ID, noon, noon.Add(n*length))
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
