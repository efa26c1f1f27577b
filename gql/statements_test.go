package gql_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/ent/orm"
	"docket/gql"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/planner"
)

// TestStatements pins how many SQL statements an operation takes. The number
// must not depend on how many rows there are: each runs on a small and on a
// larger set of them.
func TestStatements(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, query string
		want        int
	}{
		{"a page", `{ clients(first: 5) { edges { node { id firstName } } } }`, 1},
		{"a page with pageInfo", `{ clients(first: 5) { edges { node { id } } pageInfo { hasNextPage endCursor } } }`, 1},
		{"a page with its total", `{ clients(first: 5) { totalCount edges { node { id } } } }`, 1},
		{"a total", `{ clients { totalCount } }`, 1},
		{"one by id", `{ client(id: "Q2xpZW50OjE=") { firstName } }`, 1},
		{"four by ids of two types", `{ nodes(ids: ["Q2xpZW50OjE=", "Q2xpZW50OjI=", "UHJvdmlkZXI6MQ==", "UHJvdmlkZXI6Mg=="]) { id ... on Client { firstName } } }`, 1},
		{"available, with whom", `{ availableAppointments(first: 10) { edges { node { timeSlot provider { firstName } } } } }`, 1},
		{"day books", `{ providers { edges { node { confirmedAppointments(first: 3) { totalCount edges { node { confirmedReservation { client { firstName } } } } } } } } }`, 1},
		{"views of one edge", `{ providers { edges { node { availableAppointments(first: 2) { edges { node { id } } } reservedAppointments(first: 2) { edges { node { id } } } } } } }`, 1},
		{"both ways", `{ clients { edges { node { providers { edges { node { lastName clients { totalCount } } } } } } } }`, 1},
		{"under aliases", `{ providers { e: edges { n: node { a: appointments(first: 1) { s: edges { x: node { id } } } } } } }`, 1},
		{"deep", `{ providers(first: 3) { edges { node { appointments(first: 3) { edges { node { reservations(first: 2) { edges { node { client { firstName } } } } } } } } } } }`, 1},
		{"reservations and all about them", `{ reservations { edges { node { state client { lastName } provider { lastName } appointment { timeSlot } } } } }`, 1},
	}
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, counted := serveCounted(t, dbtest.Open(t, name))
			a.populate(t)
			for _, size := range []string{"small", "larger"} {
				for _, test := range tests {
					t.Run(size+"/"+test.name, func(t *testing.T) {
						got := counted.during(func() { a.must(t, nil, test.query, nil) })
						if len(got) != test.want {
							t.Errorf("%d statements, not %d:\n%s", len(got), test.want, queries(got))
						}
					})
				}
				a.grow(t)
			}
		})
	}
}

// grow adds people and bookings.
func (a *api) grow(t *testing.T) {
	t.Helper()
	for i := range 12 {
		p := a.provider(t, "Provider", strings.Repeat("x", i+1))
		slots := a.open(t, p, monday.Add(72*time.Hour), 8)
		for j := range 8 {
			r := a.reserve(t, a.client(t, "Client", strings.Repeat("y", 8*i+j+1)), slots[j])
			if j%2 == 0 {
				a.confirm(t, r)
			}
		}
	}
}

// TestPayloadStatements shows that a payload is read like any selection: what
// a mutation answers costs no statement for each row.
func TestPayloadStatements(t *testing.T) {
	t.Parallel()
	a, counted := serveCounted(t, dbtest.Open(t, dialect.SQLite))
	p := a.provider(t, "Mei", "Tanaka")
	open := func(n int) int {
		return len(counted.during(func() {
			a.must(t, nil, `mutation($p: ID!, $s: Time!, $e: Time!) { appointmentBulkCreate(input: {providerId: $p, startTime: $s, endTime: $e}) {
				appointments { edges { node { provider { lastName } reservations { totalCount } confirmedReservation { id } } } } } }`,
				map[string]any{"p": p, "s": monday, "e": monday.Add(time.Duration(n) * 15 * time.Minute)})
		}))
	}
	few, many := open(2), open(90)
	if few != many {
		t.Errorf("%d statements for 2 slots, %d for 90", few, many)
	}
}

// serveCounted serves an API whose statements are counted.
func serveCounted(t *testing.T, db *database.DB) (*api, *counting) {
	t.Helper()
	c := &counting{Driver: db.Driver(), reads: db.Reads()}
	return serveWith(t, gql.Config{DB: orm.NewClient(orm.Driver(c)), Reads: c, Dialect: db.Dialect}), c
}

// counting is a driver, and what the planner reads with, that counts the
// statements it passes on.
type counting struct {
	dialect.Driver
	reads planner.DB
	mu    sync.Mutex
	all   []statement
}

func (c *counting) during(f func()) []statement {
	c.mu.Lock()
	c.all = nil
	c.mu.Unlock()
	f()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

// statement is one that was run, and the values it was given.
type statement struct {
	query string
	args  []any
}

func queries(all []statement) string {
	var texts strings.Builder
	for _, s := range all {
		texts.WriteString(s.query + "\n")
	}
	return texts.String()
}

func (c *counting) count(query string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, statement{query, args})
}

func (c *counting) Exec(ctx context.Context, query string, args, v any) error {
	c.count(query)
	return c.Driver.Exec(ctx, query, args, v)
}

func (c *counting) Query(ctx context.Context, query string, args, v any) error {
	c.count(query)
	return c.Driver.Query(ctx, query, args, v)
}

func (c *counting) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	c.count(query, args...)
	return c.reads.QueryContext(ctx, query, args...)
}

// Tx counts what happens in a transaction, its beginning and end included.
func (c *counting) Tx(ctx context.Context) (dialect.Tx, error) {
	tx, err := c.Driver.Tx(ctx)
	c.count("BEGIN")
	return countingTx{tx, c}, err
}

type countingTx struct {
	dialect.Tx
	*counting
}

func (t countingTx) Exec(ctx context.Context, query string, args, v any) error {
	t.count(query)
	return t.Tx.Exec(ctx, query, args, v)
}

func (t countingTx) Query(ctx context.Context, query string, args, v any) error {
	t.count(query)
	return t.Tx.Query(ctx, query, args, v)
}

func (t countingTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	t.count(query)
	return t.Tx.(interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	}).ExecContext(ctx, query, args...)
}

func (t countingTx) Commit() error {
	t.count("COMMIT")
	return t.Tx.Commit()
}

// TestStatementsOfMutations pins how many statements each mutation takes, from
// BEGIN to the reading of its payload: on PostgreSQL each is a round trip.
func TestStatementsOfMutations(t *testing.T) {
	t.Parallel()
	want := map[string]int{
		"clientCreate": 4, "clientBulkCreate": 4, "clientUpdate": 5, "clientDelete": 3,
		"providerCreate": 4, "providerBulkCreate": 4, "providerUpdate": 5, "providerDelete": 3,
		"appointmentBulkCreate": 6, "appointmentCancel": 6,
		"reservationCreate": 6, "reservationConfirm": 6, "reservationReschedule": 7, "reservationCancel": 6,
	}
	const forKey = 2
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, key := range []string{"", "k"} {
				a, counted := serveCounted(t, dbtest.Open(t, name))
				w := a.populate(t)
				for _, r := range repeatables(w, a.spare(t)) {
					n := want[r.field]
					if key != "" {
						n += forKey
					}
					got := counted.during(func() { a.must(t, nil, r.with(key, ""), nil) })
					if len(got) != n {
						t.Errorf("%s takes %d statements, not %d:\n%s", r.field, len(got), n, queries(got))
					}
				}
			}
		})
	}
}

// TestOldOperations runs the documents of the service that docket replaces, as
// its consumers sent them, on every database.
func TestOldOperations(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "old_service.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(string(text), "# ---\n")
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serve(t, db)
		w := a.populate(t)
		vars := map[string]any{
			"clientId": w.clients[3], "providerId": w.providers[2], "appointmentId": w.slots[5], "reservationId": w.reservations[2],
			"startTime": "2030-01-09T09:00:00Z", "endTime": "2030-01-09T10:00:00+00:00",
		}
		for _, d := range documents {
			a.must(t, nil, d, vars)
		}
	})
}
