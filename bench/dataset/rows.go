package dataset

import (
	"iter"
	"time"
)

// table is what one table gets: its columns, and the rows as both databases
// take them.
type table struct {
	name    string
	columns []string
	rows    iter.Seq[[]any]
}

// tables are in the order in which they refer to each other.
func (s Scale) tables() []table {
	return []table{
		{"providers", []string{"id", "created_at", "updated_at", "first_name", "last_name"}, s.providers},
		{"clients", []string{"id", "created_at", "updated_at", "first_name", "last_name"}, s.clients},
		{"appointments", []string{"id", "created_at", "updated_at", "provider_id", "time_slot", "ends_at"}, s.appointments},
		{"reservations", []string{
			"id", "created_at", "updated_at", "client_id", "appointment_id", "provider_id", "time_slot", "ends_at",
			"state", "expiry", "active_from", "active_until", "confirmed_at", "cancelled_at",
		}, s.reservations},
	}
}

// stamp writes an instant as docket stores it in SQLite, where comparing the
// texts is comparing the instants; PostgreSQL reads it, too.
func stamp(t time.Time) string { return t.Format("2006-01-02 15:04:05-07:00") }

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

var created = stamp(date(2023, 12, 1))

func (s Scale) providers(yield func([]any) bool) {
	for i := range s.Providers {
		if !yield([]any{ProviderID(i), created, created, given[i*7%len(given)], family[(i*11+i/31)%len(family)]}) {
			return
		}
	}
}

func (s Scale) clients(yield func([]any) bool) {
	for i := range s.Clients() {
		if !yield([]any{ClientID(i), created, created, given[i*13%len(given)], family[(i*5+i/31)%len(family)]}) {
			return
		}
	}
}

func (s Scale) appointments(yield func([]any) bool) {
	for i := range s.Appointments() {
		_, provider, _ := s.slot(i)
		start, end := s.span(i)
		if !yield([]any{AppointmentID(i), created, created, ProviderID(provider), start, end}) {
			return
		}
	}
}

// span is the start and the end of the i-th appointment.
func (s Scale) span(i int) (start, end string) {
	day, _, slot := s.slot(i)
	first := date(2024, 1, 1+day)
	if day >= past {
		first = date(2035, 1, 1+day-past)
	}
	t := first.Add(9*time.Hour + time.Duration(slot)*15*time.Minute)
	return stamp(t), stamp(t.Add(15 * time.Minute))
}

// kind is what became of a reservation.
type kind struct {
	state                string
	from, until          any
	expiry               string
	confirmed, cancelled any

	live   bool // it keeps the slot from others
	shared bool // it let go of a slot that the reservation of the number before has now
}

var (
	late  = stamp(date(2024, 1, 20)) // when what still holds was made
	far   = stamp(date(2035, 6, 1))
	early = stamp(date(2024, 1, 1)) // when what has let go was made
	ended = stamp(date(2024, 1, 2))
	first = stamp(date(2023, 12, 1)) // apart from early, as the client may have made both

	confirmed = kind{state: "CONFIRMED", from: late, expiry: far, confirmed: late, live: true}
	held      = kind{state: "HELD", from: late, until: far, expiry: far, live: true}
	lapsed    = kind{state: "HELD", from: early, until: ended, expiry: ended}
	replaced  = kind{state: "HELD", from: first, until: early, expiry: early, shared: true}
	cancelled = kind{state: "CANCELLED", from: first, until: first, expiry: early, cancelled: first, shared: true}
)

// kindOf is the kind of the i-th reservation. Few are held at any one time: a
// hold lasts half an hour, what became of it for ever.
func kindOf(i int) kind {
	if i%512 == 1 {
		return held
	}
	return [...]kind{confirmed, confirmed, lapsed, confirmed, confirmed, replaced, confirmed, cancelled}[i%8]
}

func (s Scale) reservations(yield func([]any) bool) {
	for i := range s.Reservations() {
		k := kindOf(i)
		at := s.taken(i)
		client := s.visitor(at)
		if k.shared { // by who would visit the next provider at that time
			at = s.taken(i - 1)
			client = (s.visitor(at) + 20) % s.Clients()
		}
		_, provider, _ := s.slot(at)
		start, end := s.span(at)
		if !yield([]any{
			ReservationID(i), created, created, ClientID(client), AppointmentID(at), ProviderID(provider), start, end,
			k.state, k.expiry, k.from, k.until, k.confirmed, k.cancelled,
		}) {
			return
		}
	}
}

// Names beyond ASCII, and one that SQL and JSON have to quote.
var (
	given = []string{
		"Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ida", "Jon", "Kim", "Leo", "Mia", "Ned", "Ola", "Pia",
		"Quin", "Rosa", "Sam", "Tess", "Uma", "Vic", "Wen", "Xena", "Yara", "Zoë", "Bo", "Cy", "Dot", "Eli", "Fay",
	}
	family = []string{
		"Abbott", "Brandt", "Castillo", "Dvořák", "Eriksen", "Fischer", "Grant", "Hughes", "Ito", "Jansen", "Keller",
		"Lopez", "Moreau", "Novak", "O'Brien", "Petrov", "Quist", "Rossi", "Sato", "Turner", "Ueda", "Vance", "Weber",
		"Xu", "Young", "Zhang", "Adeyemi", "Banerjee", "Chen", "Diallo", "Evans", "Flores", "Garcia", "Haddad", "Ivanov",
		"Jones", "Khan",
	}
)
