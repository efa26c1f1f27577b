package demo

type person struct{ first, last, zone string }

var providers = []person{
	{"Amara", "Okafor", "Europe/London"},
	{"Jonas", "Lindqvist", "Europe/Stockholm"},
	{"Mei", "Tanaka", "Asia/Tokyo"},
	{"Lucía", "Fernández", "Europe/Madrid"},
	{"Noah", "Weber", "Europe/Berlin"},
	{"Priya", "Raman", "Asia/Kolkata"},
	{"Grace", "Bennett", "America/New_York"},
	{"Théo", "Marchand", "Europe/Paris"},
}

var clients = []person{
	{first: "Ada", last: "Nowak"},
	{first: "Ben", last: "Hughes"},
	{first: "Carla", last: "Rossi"},
	{first: "Deniz", last: "Yılmaz"},
	{first: "Elena", last: "Petrova"},
	{first: "Farid", last: "Haddad"},
	{first: "Greta", last: "Sørensen"},
	{first: "Hugo", last: "Almeida"},
	{first: "Ines", last: "Kovač"},
	{first: "Jamal", last: "Carter"},
	{first: "Kira", last: "Novák"},
	{first: "Liam", last: "O’Brien"},
	{first: "Mina", last: "Park"},
	{first: "Nils", last: "Bakker"},
	{first: "Olga", last: "Smirnova"},
	{first: "Pablo", last: "Ortega"},
	{first: "Quynh", last: "Nguyen"},
	{first: "Rosa", last: "Silva"},
	{first: "Sami", last: "Virtanen"},
	{first: "Tara", last: "Singh"},
	{first: "Umar", last: "Farooq"},
	{first: "Vera", last: "Schmidt"},
	{first: "Wei", last: "Chen"},
	{first: "Xenia", last: "Papadaki"},
	{first: "Yara", last: "Mansour"},
	{first: "Zoë", last: "Dubois"},
}

// Queries are three operations to try on the demo's data.
const Queries = `
Three queries to try:

  # The next free slots, and with whom
  { availableAppointments(first: 5, orderBy: {field: TIME_SLOT, direction: ASC}) {
      edges { node { id timeSlot provider { firstName lastName timeZone } } } } }

  # Each provider's day book
  { providers { edges { node { firstName lastName
      confirmedAppointments(first: 3) { totalCount edges { node { timeSlot
        confirmedReservation { client { firstName lastName } } } } } } } } }

  # Hold a slot for a client, with two ids from the queries above and { clients { edges { node { id } } } }
  mutation { reservationCreate(input: {clientId: "…", appointmentId: "…"}) {
      reservation { id state expiry client { firstName } provider { lastName } appointment { timeSlot } } } }

`
