package gql

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"docket/ent/entity"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/planner"
	"docket/internal/viewer"
)

// onlyAda shows one client and the reservations of that client, and hides all
// others.
var onlyAda = map[string]entity.Policy{"Client": ofAda("id"), "Reservation": ofAda("client_id")}

func ofAda(column string) entity.Policy {
	return reading(entity.Where(func(s *sql.Selector) *sql.Predicate { return sql.EQ(s.C(column), 1<<32+1) }))
}

func reading(rows entity.Rows) entity.Policy {
	return entity.Policy{Read: entity.Grants{func(context.Context, viewer.Viewer) entity.Rows { return rows }}}
}

// TestPolicy checks that what may not be seen is not there: not in pages, totals
// or related rows, and not for filters and orders either.
func TestPolicy(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		twoClients(t, db)
		reads := reader(t, db, onlyAda)
		for query, want := range map[string]string{
			`{ clients { totalCount edges { node { lastName } } } }`:                                                                    `{"clients":{"totalCount":1,"edges":[{"node":{"lastName":"Nowak"}}]}}`,
			`{ clients(first: 1) { pageInfo { hasNextPage } } }`:                                                                        `{"clients":{"pageInfo":{"hasNextPage":false}}}`,
			`{ client(id: "Q2xpZW50OjI=") { id } node(id: "Q2xpZW50OjI=") { id } nodes(ids: ["Q2xpZW50OjI=", "Q2xpZW50OjE="]) { id } }`: `{"client":null,"node":null,"nodes":[null,{"id":"Q2xpZW50OjE="}]}`,
			`{ reservations { totalCount } confirmedReservations { totalCount } activeReservations { totalCount } }`:                    `{"reservations":{"totalCount":1},"confirmedReservations":{"totalCount":0},"activeReservations":{"totalCount":1}}`,
			`{ appointments { edges { node { reservations { totalCount edges { node { state } } } } } } }`:                              `{"appointments":{"edges":[{"node":{"reservations":{"totalCount":1,"edges":[{"node":{"state":"HELD"}}]}}},{"node":{"reservations":{"totalCount":0,"edges":[]}}}]}}`,
			`{ providers { edges { node { clients { totalCount edges { node { id } } } } } } }`:                                         `{"providers":{"edges":[{"node":{"clients":{"totalCount":1,"edges":[{"node":{"id":"Q2xpZW50OjE="}}]}}}]}}`,
			`{ appointments(where: {hasReservations: true}) { totalCount } }`:                                                           `{"appointments":{"totalCount":1}}`,
			`{ appointments(where: {hasReservationsWith: [{hasClientWith: [{lastName: "Hughes"}]}]}) { totalCount } }`:                  `{"appointments":{"totalCount":0}}`,
			`{ providers(orderBy: {field: RESERVATIONS_COUNT, direction: ASC}) { edges { node { reservations { totalCount } } } } }`:    `{"providers":{"edges":[{"node":{"reservations":{"totalCount":1}}}]}}`,
		} {
			if got, errs := ask(t, reads, query); got != want || len(errs) > 0 {
				t.Errorf("%s\ngot  %s %v\nwant %s", query, got, errs, want)
			}
		}
	})
}

// onlyReservations shows all reservations and no client at all.
var onlyReservations = map[string]entity.Policy{"Client": {}}

// TestHiddenObjects leads from rows that may be seen to rows that may not: where
// the schema has no null for that, the object that leads there is null, and an
// error says where. To be ordered by what is hidden is to be ordered by nothing.
func TestHiddenObjects(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		twoClients(t, db)
		reads := reader(t, db, onlyReservations)
		got, errs := ask(t, reads, `{ reservations { totalCount e: edges { n: node { state client { id } } } } }`)
		if want := `{"reservations":{"totalCount":2,"e":[{"n":null},{"n":null}]}}`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		var paths []string
		for _, err := range errs {
			paths = append(paths, err.(*gqlerror.Error).Path.String()) //nolint:errorlint // not wrapped
		}
		if want := []string{"reservations.e[0].n.client", "reservations.e[1].n.client"}; !slices.Equal(paths, want) {
			t.Errorf("the errors are at %v, want %v", paths, want)
		}
		byName := `{ reservations(orderBy: {field: CLIENT_LAST_NAME, direction: %}) { edges { node { id } } } }`
		for direction, want := range map[string]string{
			"ASC":  `{"reservations":{"edges":[{"node":{"id":"UmVzZXJ2YXRpb246MQ=="}},{"node":{"id":"UmVzZXJ2YXRpb246Mg=="}}]}}`,
			"DESC": `{"reservations":{"edges":[{"node":{"id":"UmVzZXJ2YXRpb246Mg=="}},{"node":{"id":"UmVzZXJ2YXRpb246MQ=="}}]}}`,
		} {
			if got, errs := ask(t, reads, strings.Replace(byName, "%", direction, 1)); got != want || len(errs) > 0 {
				t.Errorf("%s by name: %s %v", direction, got, errs)
			}
		}
	})
}

// namesNot shows all rows, and the name of no client.
var namesNot = map[string]entity.Policy{"Client": {
	Read:   reading(entity.All()).Read,
	Fields: map[string]entity.FieldPolicy{"last_name": {Read: entity.Grants{}}},
}}

// TestHiddenNames orders by names that may not be known: of the row itself, of one that
// an edge leads to, and where rows are few, which are found first and ordered then.
func TestHiddenNames(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		twoClients(t, db) // Nowak, then Hughes
		reads := reader(t, db, namesNot)
		for query, want := range map[string]string{
			`{ clients(orderBy: {field: LAST_NAME}) { edges { node { id lastName } } } }`:          `{"clients":{"edges":[{"node":{"id":"Q2xpZW50OjE=","lastName":null}},{"node":{"id":"Q2xpZW50OjI=","lastName":null}}]}}`,
			`{ client(id: "Q2xpZW50OjE=") { firstName lastName } }`:                                `{"client":{"firstName":"Ada","lastName":null}}`,
			`{ reservations(orderBy: {field: CLIENT_LAST_NAME}) { edges { node { id } } } }`:       `{"reservations":{"edges":[{"node":{"id":"UmVzZXJ2YXRpb246MQ=="}},{"node":{"id":"UmVzZXJ2YXRpb246Mg=="}}]}}`,
			`{ activeReservations(orderBy: {field: CLIENT_LAST_NAME}) { edges { node { id } } } }`: `{"activeReservations":{"edges":[{"node":{"id":"UmVzZXJ2YXRpb246MQ=="}},{"node":{"id":"UmVzZXJ2YXRpb246Mg=="}}]}}`,
			`{ activeReservations(first: 1) { edges { node { client { lastName } } } } }`:          `{"activeReservations":{"edges":[{"node":{"client":{"lastName":null}}}]}}`,
			`{ reservations(where: {hasClientWith: [{lastNameNEQ: "X"}]}) { totalCount } }`:        `{"reservations":{"totalCount":0}}`,
			`{ clients(where: {not: {lastName: "Nowak"}}) { totalCount } }`:                        `{"clients":{"totalCount":2}}`,
			`{ clients(where: {or: [{lastNameGT: "A"}, {firstName: "Ada"}]}) { totalCount } }`:     `{"clients":{"totalCount":1}}`,
		} {
			if got, errs := ask(t, reads, query); got != want || len(errs) > 0 {
				t.Errorf("%s\ngot  %s %v\nwant %s", query, got, errs, want)
			}
		}
	})
}

var morning = time.Date(2030, 1, 7, 8, 0, 0, 0, time.UTC)

func momentOf(ctx context.Context) context.Context {
	return booking.NewContext(viewer.NewContext(ctx, viewer.Local()), booking.Moment{Now: morning, Rules: booking.DefaultRules()})
}

// twoClients are Ben Hughes' and Ada Nowak's: each has a reservation with the one
// provider, Ben's the later slot.
func twoClients(t *testing.T, db *database.DB) {
	t.Helper()
	ctx, client := momentOf(t.Context()), db.ORM()
	provider := client.Provider.Create().SetFirstName("Mei").SetLastName("Tanaka").SaveX(ctx)
	for i, name := range [][2]string{{"Ada", "Nowak"}, {"Ben", "Hughes"}} {
		c := client.Customer.Create().SetFirstName(name[0]).SetLastName(name[1]).SaveX(ctx)
		start := morning.Add(time.Duration(48+i) * time.Hour)
		a := client.Appointment.Create().SetProviderID(provider.ID).SetTimeSlot(start).SetEndsAt(start.Add(time.Hour)).SaveX(ctx)
		until := morning.Add(time.Hour)
		client.Reservation.Create().SetClientID(c.ID).SetAppointmentID(a.ID).SetProviderID(provider.ID).SetTimeSlot(a.TimeSlot).SetEndsAt(a.EndsAt).
			SetExpiry(until).SetActiveFrom(morning).SetActiveUntil(until).SaveX(ctx)
	}
}

// reader is a planner whose requests are under the policies; all else, all may see.
func reader(t *testing.T, db *database.DB, policies map[string]entity.Policy) *planner.Planner {
	t.Helper()
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	entities := readable()
	for _, e := range entities {
		var limited bool
		if e.Policy, limited = policies[e.Name]; !limited {
			e.Policy = reading(entity.All())
		}
	}
	reads, err := planner.New(planner.Config{
		DB: db, Dialect: db.Dialect, Schema: schema, Entities: entities, Limits: planner.DefaultLimits(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return reads
}

func ask(t *testing.T, reads *planner.Planner, query string) (string, []error) {
	t.Helper()
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, invalid := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules())
	if invalid != nil {
		t.Fatal(invalid)
	}
	data, errs := reads.Query(momentOf(t.Context()), doc.Operations[0], nil, nil)
	if !json.Valid(data) && data != nil {
		t.Errorf("%s is no JSON", data)
	}
	return string(data), errs
}
