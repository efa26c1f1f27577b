package gate_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/gate"
	"docket/internal/overlap"
	"docket/internal/txn"
	"docket/internal/viewer"
)

// noon is when these tests begin, and what they tell times from.
var noon = time.Date(2030, time.May, 6, 12, 0, 0, 0, time.UTC)

// tomorrow is the start of the first slot that may still be reserved at noon.
const tomorrow = 24 * time.Hour

// length is how long a slot lasts.
const length = 15 * time.Minute

// desk performs each verb in a transaction of its own.
type desk struct {
	*gate.Gate
	DB *orm.Client
}

func (d desk) do(ctx context.Context, verb func(tx *orm.Tx) (int, error)) (int, error) {
	id, err := txn.Do(ctx, d.DB, verb)
	return id, overlap.Explain(ctx, d.DB, err)
}

func (d desk) Open(ctx context.Context, provider int, start, end time.Time) error {
	_, err := d.do(ctx, func(tx *orm.Tx) (int, error) { return 0, d.Gate.Open(ctx, tx, provider, start, end) })
	return err
}

func (d desk) CancelAppointment(ctx context.Context, id int) error {
	_, err := d.do(ctx, func(tx *orm.Tx) (int, error) { return 0, d.Gate.CancelAppointment(ctx, tx, id, nil) })
	return err
}

func (d desk) Reserve(ctx context.Context, client, appointment int) (int, error) {
	return d.do(ctx, func(tx *orm.Tx) (int, error) { return d.Gate.Reserve(ctx, tx, client, appointment) })
}

func (d desk) Confirm(ctx context.Context, id int) error {
	_, err := d.do(ctx, func(tx *orm.Tx) (int, error) { return 0, d.Gate.Confirm(ctx, tx, id, nil) })
	return err
}

func (d desk) Cancel(ctx context.Context, id int) error {
	_, err := d.do(ctx, func(tx *orm.Tx) (int, error) { return 0, d.Gate.Cancel(ctx, tx, id, nil) })
	return err
}

func (d desk) Reschedule(ctx context.Context, id, to int) error {
	_, err := d.do(ctx, func(tx *orm.Tx) (int, error) { return 0, d.Gate.Reschedule(ctx, tx, id, to, nil) })
	return err
}

// at is the desk with another clock.
func (d desk) at(clock func() time.Time) desk {
	return desk{&gate.Gate{Rules: d.Rules, Clock: clock, Log: d.Log}, d.DB}
}

// bundle is a desk on an empty database, with all it depends on.
type bundle struct {
	desk
	db    *database.DB
	clock *clock
	log   *journal
}

func setup(t *testing.T, db *database.DB) *bundle {
	t.Helper()
	b := &bundle{db: db, clock: &clock{now: noon}, log: &journal{}}
	b.DB = db.ORM()
	b.Gate = &gate.Gate{Rules: booking.DefaultRules(), Clock: b.clock.Now, Log: slog.New(b.log)}
	return b
}

// request is the context of a request that begins at the clock's present.
func (b *bundle) request(t *testing.T) context.Context {
	t.Helper()
	return booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: b.clock.peek(), Rules: b.Rules})
}

// clock stands still, or goes on by a step with every reading.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	step time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(c.step)
	return c.now
}

func (c *clock) peek() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// set puts the clock to a time after noon.
func (c *clock) set(after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = noon.Add(after)
}

// journal is a log that keeps what it is told.
type journal struct {
	mu      sync.Mutex
	entries []string
}

func (*journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler     { return j }
func (j *journal) WithGroup(string) slog.Handler          { return j }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	entry := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { entry += " " + a.String(); return true })
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, entry)
	return nil
}

// silent fails the test if the gate logged anything: a constraint had to
// refuse what the gate let through.
func (j *journal) silent(t *testing.T) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, entry := range j.entries {
		t.Errorf("logged: %s", entry)
	}
}

func (b *bundle) provider(t *testing.T) int {
	t.Helper()
	p, err := b.DB.Provider.Create().SetFirstName("Pia").SetLastName("Provider").Save(b.request(t))
	must(t, err)
	return p.ID
}

func (b *bundle) client(t *testing.T) int {
	t.Helper()
	c, err := b.DB.Customer.Create().SetFirstName("Cleo").SetLastName("Client").Save(b.request(t))
	must(t, err)
	return c.ID
}

// slot opens one slot of a new provider.
func (b *bundle) slot(t *testing.T, start time.Duration) int {
	t.Helper()
	return b.slotOf(t, b.provider(t), start)
}

func (b *bundle) slotOf(t *testing.T, provider int, start time.Duration) int {
	t.Helper()
	a, err := b.DB.Appointment.Create().SetProviderID(provider).
		SetTimeSlot(noon.Add(start)).SetEndsAt(noon.Add(start + b.Rules.SlotLength)).Save(b.request(t))
	must(t, err)
	return a.ID
}

// held is a hold of the client on the appointment.
func (b *bundle) held(t *testing.T, client, appointment int) int {
	t.Helper()
	id, err := b.Reserve(b.request(t), client, appointment)
	must(t, err)
	return id
}

// confirmed is a confirmed reservation of the client on the appointment.
func (b *bundle) confirmed(t *testing.T, client, appointment int) int {
	t.Helper()
	id := b.held(t, client, appointment)
	must(t, b.Confirm(b.request(t), id))
	return id
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type facts = map[string]any

// refused fails the test unless err is a refusal with this code and, if they
// are not nil, just these facts.
func refused(t *testing.T, err error, code booking.Code, want facts) {
	t.Helper()
	var refusal *booking.Refusal
	switch {
	case !errors.As(err, &refusal) || refusal.Code != code:
		t.Errorf("got %v, want the refusal %s", err, code)
	case want != nil && !reflect.DeepEqual(refusal.Facts, want):
		t.Errorf("%s has the facts %v, want %v", code, refusal.Facts, want)
	}
}

// overlapped fails the test unless a constraint refused with this code.
func overlapped(t *testing.T, err error, code booking.Code) {
	t.Helper()
	var c *overlap.Conflict
	if !errors.As(err, &c) || c.Code != string(code) {
		t.Errorf("got %v, want the conflict %s", err, code)
	}
}

// absent fails the test unless err says that there is no such row.
func absent(t *testing.T, err error, typ string, id int) {
	t.Helper()
	var e *gate.NotFound
	if !errors.As(err, &e) || *e != (gate.NotFound{Type: typ, ID: id}) {
		t.Errorf("got %v, want that there is no %s %d", err, typ, id)
	}
}

// codeOf is the code of a refusal; other errors fail the test.
func codeOf(t *testing.T, err error) booking.Code {
	t.Helper()
	var refusal *booking.Refusal
	if err != nil && !errors.As(err, &refusal) {
		t.Errorf("not a refusal: %v", err)
		return "ERROR"
	}
	if err == nil {
		return ""
	}
	return refusal.Code
}

// stored is a reservation as its row tells it, in times after noon.
type stored struct {
	Client, Appointment, Provider int
	Slot, State, Expiry, Active   string
	Confirmed, Cancelled          string
	Created, Updated              string
	Version                       int
}

func (b *bundle) reservation(t *testing.T, id int) stored {
	t.Helper()
	r, err := b.DB.Reservation.Get(entity.Service(t.Context()), id)
	must(t, err)
	return stored{
		Client: r.ClientID, Appointment: r.AppointmentID, Provider: r.ProviderID,
		Slot: after(&r.TimeSlot) + " to " + after(&r.EndsAt), State: string(r.State), Expiry: after(&r.Expiry),
		Active: after(&r.ActiveFrom) + " to " + after(r.ActiveUntil), Confirmed: after(r.ConfirmedAt), Cancelled: after(r.CancelledAt),
		Created: after(&r.CreatedAt), Updated: after(&r.UpdatedAt), Version: r.Version,
	}
}

// after is how long after noon an instant is; nothing at all where there is none.
func after(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Sub(noon).String()
}

// versions are those of a client and some appointments.
func (b *bundle) versions(t *testing.T, client int, appointments ...int) (all []int) {
	t.Helper()
	c, err := b.DB.Customer.Get(entity.Service(t.Context()), client)
	must(t, err)
	all = append(all, c.Version)
	for _, id := range appointments {
		all = append(all, b.appointment(t, id).Version)
	}
	return all
}

func (b *bundle) appointment(t *testing.T, id int) *orm.Appointment {
	t.Helper()
	a, err := b.DB.Appointment.Get(entity.Service(t.Context()), id)
	must(t, err)
	return a
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// rows is every row of every table, column by column.
func (b *bundle) rows(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, table := range []string{"clients", "providers", "appointments", "reservations"} {
		b.dump(t, &out, table)
	}
	return out.String()
}

func (b *bundle) dump(t *testing.T, out *strings.Builder, table string) {
	t.Helper()
	found, err := b.db.QueryContext(t.Context(), "SELECT * FROM "+table+" ORDER BY id")
	must(t, err)
	defer found.Close()
	columns, err := found.Columns()
	must(t, err)
	values := make([]sql.NullString, len(columns))
	targets := make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for found.Next() {
		must(t, found.Scan(targets...))
		fmt.Fprintf(out, "%s", table)
		for i, name := range columns {
			fmt.Fprintf(out, " %s=%v", name, values[i])
		}
		out.WriteString("\n")
	}
	must(t, found.Err())
}

// unchanged runs verb and fails the test if it changed any row.
func (b *bundle) unchanged(t *testing.T, verb func() error) error {
	t.Helper()
	before := b.rows(t)
	err := verb()
	if after := b.rows(t); before != after {
		t.Errorf("rows changed from\n%s to\n%s", before, after)
	}
	return err
}
