package naive_test

import (
	"testing"
	"time"

	"docket/gql"
	"docket/internal/naive"
)

// few are rows whose answers can be told by looking at them: three reservations
// of Ada (one confirmed, one held, one whose hold has ended) with the provider Mei.
func few(t *testing.T) *naive.Evaluator {
	t.Helper()
	schema, err := gql.Schema()
	if err != nil {
		t.Fatal(err)
	}
	e := naive.New(schema)
	e.Now, e.Notice, e.Page, e.MaxPage = now, 24*time.Hour, 2, 3
	const client, provider, reservation = 1 << 32, 2 << 32, 3 << 32
	slot := func(id naive.ID, in time.Duration) naive.Row {
		return naive.Row{
			"__typename": "Appointment", "id": id, "providerID": naive.ID(provider + 1), "status": "OPEN",
			"timeSlot": now.Add(in), "endsAt": now.Add(in + time.Hour),
		}
	}
	reserved := func(id, slot naive.ID, state string, expiry time.Time, confirmed any) naive.Row {
		return naive.Row{
			"__typename": "Reservation", "id": reservation + id, "clientID": naive.ID(client + 1),
			"appointmentID": slot, "providerID": naive.ID(provider + 1), "state": state, "expiry": expiry, "confirmedAt": confirmed,
		}
	}
	e.Data = naive.Data{
		"Client": {
			{"__typename": "Client", "id": naive.ID(client + 1), "firstName": "Ada", "lastName": "Z_%"},
			{"__typename": "Client", "id": naive.ID(client + 2), "firstName": "Zoë", "lastName": "a"},
			{"__typename": "Client", "id": naive.ID(client + 3), "firstName": "ADA", "lastName": "a"},
		},
		"Provider": {
			{"__typename": "Provider", "id": naive.ID(provider + 1), "lastName": "Mei"},
			{"__typename": "Provider", "id": naive.ID(provider + 2), "lastName": "Noah"},
		},
		"Appointment": {slot(1, 24*time.Hour), slot(2, 25*time.Hour), slot(3, 26*time.Hour), slot(4, 23*time.Hour)},
		"Reservation": {
			reserved(1, 1, "CONFIRMED", now, now.Add(-time.Hour)),
			reserved(2, 2, "HELD", now.Add(time.Microsecond), nil),
			reserved(3, 3, "HELD", now, nil),
		},
	}
	return e
}

// TestAnswers holds the evaluator against answers written by hand.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const one, two, three = `"cursor:Client:LAST_NAME:ASC:4294967297:5a5f25"`, `"cursor:Client:LAST_NAME:ASC:4294967298:61"`, `"cursor:Client:LAST_NAME:ASC:4294967299:61"`
	const names = `{ edges { node { firstName } } }`
	for _, c := range []struct{ query, want string }{
		{
			`{ clients(orderBy: {field: LAST_NAME}) { totalCount edges { cursor } pageInfo { hasNextPage hasPreviousPage } } }`,
			`{"clients":{"totalCount":3,"edges":[{"cursor":` + one + `},{"cursor":` + two + `}],"pageInfo":{"hasNextPage":true,"hasPreviousPage":false}}}`,
		},
		{
			`{ clients(orderBy: {field: LAST_NAME, direction: DESC}, first: 3) ` + names + ` }`,
			`{"clients":{"edges":[{"node":{"firstName":"ADA"}},{"node":{"firstName":"Zoë"}},{"node":{"firstName":"Ada"}}]}}`,
		},
		{ // the cursors that the first query wrote
			`{ clients(orderBy: {field: LAST_NAME}, after: ` + one + `, before: ` + three + `) { edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor } } }`,
			`{"clients":{"edges":[{"cursor":` + two + `}],"pageInfo":{"hasNextPage":true,"hasPreviousPage":true,"startCursor":` + two + `}}}`,
		},
		{
			`{ clients(orderBy: {field: LAST_NAME}, before: ` + one + `, last: 1) { totalCount edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } } }`,
			`{"clients":{"totalCount":3,"edges":[],"pageInfo":{"hasNextPage":true,"hasPreviousPage":false,"endCursor":null}}}`,
		},
		{
			`{ reservations(orderBy: {field: CONFIRMED_AT, direction: DESC}, last: 2) { edges { node { state confirmedAt } } pageInfo { hasNextPage hasPreviousPage } } }`,
			`{"reservations":{"edges":[{"node":{"state":"HELD","confirmedAt":null}},{"node":{"state":"CONFIRMED","confirmedAt":"2030-01-07T07:00:00.123456Z"}}],` +
				`"pageInfo":{"hasNextPage":false,"hasPreviousPage":true}}}`,
		},
		{
			`{ providers(orderBy: {field: RESERVATIONS_COUNT, direction: DESC}) { edges { node { lastName clients { totalCount } } } } }`,
			`{"providers":{"edges":[{"node":{"lastName":"Mei","clients":{"totalCount":1}}},{"node":{"lastName":"Noah","clients":{"totalCount":0}}}]}}`,
		},
		{`{ clients(where: {firstNameEqualFold: "aDa"}) ` + names + ` }`, `{"clients":{"edges":[{"node":{"firstName":"Ada"}},{"node":{"firstName":"ADA"}}]}}`},
		{`{ clients(where: {lastNameContains: "_%"}) ` + names + ` }`, `{"clients":{"edges":[{"node":{"firstName":"Ada"}}]}}`},
		{`{ clients(where: {firstNameContainsFold: "OË"}) ` + names + ` }`, `{"clients":{"edges":[]}}`},
		{`{ clients(where: {idIn: []}) { totalCount } }`, `{"clients":{"totalCount":0}}`},
		{`{ clients(where: {idNotIn: [], idIn: null}) { totalCount } }`, `{"clients":{"totalCount":3}}`},
		{`{ clients(where: {or: []}) { totalCount } }`, `{"clients":{"totalCount":0}}`},
		{`{ clients(where: {or: {}, and: [], not: {not: {}}}) { totalCount } }`, `{"clients":{"totalCount":3}}`},
		{`{ clients(where: {hasReservationsWith: []}) ` + names + ` }`, `{"clients":{"edges":[{"node":{"firstName":"Ada"}}]}}`},
		{`{ clients(where: {hasReservations: false}) { totalCount } }`, `{"clients":{"totalCount":2}}`},
		{ // no reservation is both, whatever its client has besides
			`{ clients(where: {hasReservationsWith: [{confirmedAtIsNil: true}, {confirmedAtIsNil: false}]}) { totalCount } }`,
			`{"clients":{"totalCount":0}}`,
		},
		{`{ reservations(where: {confirmedAtNEQ: "2030-01-07T08:00:00Z"}) { totalCount } }`, `{"reservations":{"totalCount":1}}`},
		{`{ reservations(where: {not: {confirmedAtNEQ: "2030-01-07T08:00:00Z"}}) { totalCount } }`, `{"reservations":{"totalCount":2}}`},
		{`{ reservations(where: {confirmedAtNotIn: []}) { totalCount } }`, `{"reservations":{"totalCount":3}}`},
		{`{ availableAppointments { edges { node { id } } } }`, `{"availableAppointments":{"edges":[{"node":{"id":"QXBwb2ludG1lbnQ6Mw=="}}]}}`},
		{`{ reservedAppointments { totalCount } confirmedAppointments { totalCount } }`, `{"reservedAppointments":{"totalCount":2},"confirmedAppointments":{"totalCount":1}}`},
		{
			`{ activeReservations { totalCount } expiredReservations { edges { node { state expired confirmed } } } }`,
			`{"activeReservations":{"totalCount":1},"expiredReservations":{"edges":[{"node":{"state":"EXPIRED","expired":true,"confirmed":false}}]}}`,
		},
		{
			`{ a: appointment(id: "QXBwb2ludG1lbnQ6MQ==") { confirmedReservation { id } } b: appointment(id: "QXBwb2ludG1lbnQ6Mg==") { confirmedReservation { id } } }`,
			`{"a":{"confirmedReservation":{"id":"UmVzZXJ2YXRpb246MQ=="}},"b":{"confirmedReservation":null}}`,
		},
		{
			`{ nodes(ids: ["Q2xpZW50OjI=", "Q2xpZW50Ojk=", "Q2xpZW50OjI="]) { __typename ... on Node { id } ... on Provider { lastName } } node(id: "Q2xpZW50Ojk=") { id } }`,
			`{"nodes":[{"__typename":"Client","id":"Q2xpZW50OjI="},null,{"__typename":"Client","id":"Q2xpZW50OjI="}],"node":null}`,
		},
		{ // fields are where they came first, and merge
			`{ c: clients(first: 1) { e: edges { n: node { b: firstName } } totalCount e: edges { n: node { lastName @skip(if: true) id b: firstName } } } }`,
			`{"c":{"e":[{"n":{"b":"Ada","id":"Q2xpZW50OjE="}}],"totalCount":3}}`,
		},
	} {
		e := few(t)
		if _, _, err := e.Answer(`{ clients(orderBy: {field: LAST_NAME}, first: 3) { edges { cursor } } }`, nil); err != nil {
			t.Fatal(err)
		}
		got, refused, err := e.Answer(c.query, nil)
		if err != nil || len(refused) > 0 || string(got) != c.want {
			t.Errorf("%s\ngot  %s %v %v\nwant %s", c.query, got, refused, err, c.want)
		}
	}
}

// TestRefused tells which fields cannot be served, wherever they are.
func TestRefused(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`{ clients(first: -1) { totalCount } }`:                                                        "/clients",
		`{ clients(last: 4) { totalCount } }`:                                                          "/clients",
		`{ clients(first: 1, last: 1) { totalCount } }`:                                                "/clients",
		`{ clients { e: edges { node { r: reservations(after: "garbage") { totalCount } } } } }`:       "/clients/e/node/r",
		`{ node(id: "Q2xpZW50Ojk=") { ... on Client { reservations(before: "") { totalCount } } } }`:   "/node/reservations",
		`{ reservations(where: {not: {clientID: "UHJvdmlkZXI6MQ=="}}) { totalCount } }`:                "/reservations",
		`{ client(id: "UHJvdmlkZXI6MQ==") { id } }`:                                                    "/client",
		`{ n: node(id: "") { id } }`:                                                                   "/n",
		`{ clients(where: {createdAtGT: "2030-02-30T00:00:00Z"}) { totalCount } }`:                     "/clients",
		`{ clients(after: "cursor:Client:LAST_NAME:ASC:4294967298:61") { totalCount } }`:               "/clients",
		`{ nodes(ids: ["Q2xpZW50OjE=", "Q2xpZW50OjE=", "Q2xpZW50OjE=", "Q2xpZW50OjE="]) { id } }`:      "/nodes",
		`{ clients(orderBy: {field: ID, direction: DESC}, before: "cursor:Client:1") { totalCount } }`: "/clients",
	} {
		e := few(t)
		if _, _, err := e.Answer(`{ clients(orderBy: {field: LAST_NAME}, first: 3) { edges { cursor } } }`, nil); err != nil {
			t.Fatal(err)
		}
		got, refused, err := e.Answer(query, nil)
		if err != nil || len(refused) != 1 || refused[0] != want {
			t.Errorf("%s: %s %v %v, want %s", query, got, refused, err, want)
		}
		null := map[string]string{"/client": `{"client":null}`, "/n": `{"n":null}`, "/node/reservations": `{"node":null}`}[want]
		if string(got) != null {
			t.Errorf("%s: %s, want %s", query, got, null)
		}
	}
}
