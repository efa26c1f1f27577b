// Package dataset is the data that the benchmark runs on: arithmetic on the
// number of a row, so that the same scale is the same rows on any database,
// any machine and any day.
//
// "Past" is January 2024 and "future" January 2035: what is available today is
// available for years. Nothing is random, and nothing depends on a clock.
package dataset

// Scale is how much data there is: Providers, and everything in proportion.
type Scale struct{ Providers int }

// At is the data set n times over: 1,000 providers at scale 1.
func At(n int) Scale { return Scale{Providers: 1000 * n} }

const (
	days  = 10 // a fifth of them past
	past  = days / 5
	slots = 20 // of 15 minutes each day, from 09:00
)

// Clients is how many there are; so are the others.
func (s Scale) Clients() int      { return 20 * s.Providers }
func (s Scale) Appointments() int { return days * slots * s.Providers }
func (s Scale) Reservations() int { return s.Appointments() / 2 }

// An id is docket's: each table owns a range of 1<<32, in the order of the
// names of the types.
const (
	clientBase      = 1 << 32
	providerBase    = 2 << 32
	reservationBase = 3 << 32
)

// ClientID is the id of the i-th client, from 0.
func ClientID(i int) int { return clientBase + i + 1 }

// ProviderID is the id of the i-th provider, from 0.
func ProviderID(i int) int { return providerBase + i + 1 }

// AppointmentID is the id of the i-th appointment, from 0.
func AppointmentID(i int) int { return i + 1 }

// ReservationID is the id of the i-th reservation, from 0.
func ReservationID(i int) int { return reservationBase + i + 1 }

// slot is where the i-th appointment lies: they go day by day, provider by
// provider, as opening each working day would leave them.
func (s Scale) slot(i int) (day, provider, slot int) {
	perDay := s.Providers * slots
	return i / perDay, i % perDay / slots, i % slots
}

// visitor is the client who takes the i-th appointment, if anyone does. At one
// time of one day each provider has another one, so no two claims of this data
// set, nor any that the benchmark makes, put a client in two places.
func (s Scale) visitor(i int) int {
	day, provider, slot := s.slot(i)
	return (provider*20 + (day*slots+slot)*7%20) % s.Clients()
}

// taken is the appointment of the i-th reservation that has one of its own.
// 7919 is a prime that does not divide the number of appointments: it visits
// each of them once, and neighbours far apart.
func (s Scale) taken(i int) int { return i * 7919 % s.Appointments() }

// Booking is a reservation that could be made.
type Booking struct{ Client, Appointment int }

// Free lists up to most bookings that do not stand in each other's way, in an
// order that jumps about.
func (s Scale) Free(most int) []Booking {
	kept := make(map[int]bool, s.Reservations())
	for i := range s.Reservations() {
		if kindOf(i).live {
			kept[s.taken(i)] = true
		}
	}
	var free []Booking
	for i := range s.Appointments() {
		// The other end of what the reservations visit, backwards.
		a := s.taken(s.Appointments() - 1 - i)
		if day, _, _ := s.slot(a); day < past || kept[a] {
			continue
		}
		if len(free) == most {
			break
		}
		free = append(free, Booking{ClientID(s.visitor(a)), AppointmentID(a)})
	}
	return free
}
