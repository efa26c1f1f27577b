package gql_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/scalar"
)

// entry is one of the trail, as it is stored.
type entry struct {
	id, row, version                int
	at                              time.Time
	columns, action                 string
	viewer, operation, databaseUser sql.NullString
}

func (e entry) String() string {
	is := func(s sql.NullString) string {
		if !s.Valid {
			return "-"
		}
		return s.String
	}
	typ := scalar.TypeOf(e.row)
	return strings.TrimSuffix(fmt.Sprintf("%s %s by %s: %s %s:%d, version %d %s", is(e.operation), e.action, is(e.viewer),
		e.action, typ, e.row-scalar.FirstID(typ), e.version, e.columns), " []")
}

// trail are the entries after that with the id, in their order.
func trail(t *testing.T, db *database.DB, after int) (all []entry) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT id, row_id, version, changed_at, columns, action, viewer, operation, database_user
		FROM changes WHERE id > $1 ORDER BY id`, after)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.id, &e.row, &e.version, &e.at, &e.columns, &e.action, &e.viewer, &e.operation, &e.databaseUser); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// last is the id of the last entry there is.
func last(t *testing.T, db *database.DB) (id int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT coalesce(max(id), 0) FROM changes").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestTrail pins which entries each mutation leaves: who asked, by which field,
// and what became of which row. Deletes that cascade are among them.
func TestTrail(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serve(t, db)
		w := a.populate(t)
		all := append(repeatables(w, a.spare(t)),
			repeatable{"providerDelete", `id: "` + w.providers[0] + `"`, `deletedId`},
			repeatable{"clientDelete", `id: "` + w.clients[1] + `"`, `deletedId`})
		var text strings.Builder
		for i, m := range all {
			before, start := last(t, db), time.Now()
			name := fmt.Sprint("ada-", i)
			ada := a.admin(name)
			ada.must(t, nil, m.with(name, ""), nil)
			ada.must(t, nil, m.with(name, ""), nil) // a repeat, which writes nothing
			entries := trail(t, db, before)
			slices.SortFunc(entries, func(a, b entry) int { return a.row - b.row }) // cascades have no order
			fmt.Fprintf(&text, "%s by %s\n", m.field, name)
			for _, e := range entries {
				if off := e.at.Sub(start); off < -time.Minute || off > time.Minute {
					t.Errorf("%s at %s, it is %s", m.field, e.at, start)
				}
				if e.operation.String != m.field || e.viewer.String != name {
					t.Errorf("%s by %s is noted as %s", m.field, name, e)
				}
				if e.databaseUser.Valid != (db.Dialect == dialect.Postgres) {
					t.Errorf("%s is the user of the database", e.databaseUser.String)
				}
				typ := scalar.TypeOf(e.row)
				fmt.Fprintf(&text, "\t%s %s:%d version %d %s\n", e.action, typ, e.row-scalar.FirstID(typ), e.version, strings.ReplaceAll(e.columns, ", ", ","))
			}
		}
		pinned(t, "testdata/trail.txt", []byte(text.String()))
	})
}

// exec runs a statement as somebody does who goes round the API.
func exec(t *testing.T, db *database.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// Who goes round the API is noted as nobody's request, also on a connection that
// has just served one.
func TestTrailOfAWriterThatIsNotTheAPI(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serve(t, db)
		db.SetMaxOpenConns(1)
		id := a.admin("ada").client(t, "Ada", "Nowak")
		number, err := scalar.ParseID(id)
		if err != nil {
			t.Fatal(err)
		}
		before := last(t, db)
		exec(t, db, "UPDATE clients SET last_name = 'Raw', version = 7 WHERE id = $1", number)
		a.admin("bea").must(t, nil, `mutation { clientUpdate(input: {id: "`+id+`", lastName: "Kaya"}) { client { id } } }`, nil)
		exec(t, db, "DELETE FROM clients WHERE id = $1", number)
		exec(t, db, "INSERT INTO clients (created_at, updated_at, first_name, last_name) VALUES ($1, $1, 'R', 'W')", monday)
		var got []string
		for _, e := range trail(t, db, before) {
			got = append(got, e.String())
			if e.viewer.String != "bea" && db.Dialect == dialect.Postgres && e.databaseUser.String != "postgres" {
				t.Errorf("the user of the database is %q", e.databaseUser.String)
			}
		}
		want := []string{
			`- UPDATE by -: UPDATE Client:1, version 7 ["last_name"]`,
			`clientUpdate UPDATE by bea: UPDATE Client:1, version 8 ["last_name"]`,
			`- DELETE by -: DELETE Client:1, version 8`,
			`- CREATE by -: CREATE Client:2, version 1`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

// Neither a statement without conditions nor TRUNCATE takes rows away unnoticed.
func TestTrailOfATableThatIsEmptied(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ways := []string{"DELETE FROM providers"} // and what belongs to them
		if db.Dialect == dialect.Postgres {
			ways = append(ways, "TRUNCATE providers CASCADE")
		}
		for _, way := range ways {
			a := serve(t, db)
			a.populate(t)
			var rows [2]int
			for i, count := range []string{"providers", "appointments"} {
				if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+count).Scan(&rows[i]); err != nil {
					t.Fatal(err)
				}
			}
			before, gone := last(t, db), map[string]int{}
			exec(t, db, way)
			for _, e := range trail(t, db, before) {
				if e.action != "DELETE" || e.viewer.Valid {
					t.Errorf("%s is noted as %s", way, e)
				}
				gone[scalar.TypeOf(e.row)]++
			}
			if rows[0] == 0 || gone["Provider"] != rows[0] || gone["Appointment"] != rows[1] || gone["Reservation"] != 5 {
				t.Errorf("%s: of %v rows are noted %v", way, rows, gone)
			}
		}
	})
}

// What fails leaves no entry: the trail is part of the transaction.
func TestTrailOfWhatFails(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serve(t, db)
		w := a.populate(t)
		before := last(t, db)
		for _, mutation := range []string{
			`clientUpdate(input: {id: "` + w.clients[0] + `", lastName: "X", expectedVersion: 9}) { client { id } }`, // told after it was written
			`clientBulkCreate(input: {clients: [{firstName: "Good", lastName: "Name"}, {firstName: "", lastName: "X"}]}) { clients { id } }`,
			`reservationCreate(input: {clientId: "` + w.clients[0] + `", appointmentId: "` + w.slots[3] + `", idempotencyKey: "k"}) { reservation { id } }`, // taken
			`clientDelete(input: {id: "` + w.clients[0] + `", expectedVersion: 9}) { deletedId }`,
		} {
			if r := a.run(t, "mutation { "+mutation+" }", nil); len(r.Errors) == 0 {
				t.Errorf("%s did not fail", mutation)
			}
		}
		if got := trail(t, db, before); len(got) > 0 {
			t.Errorf("noted %v", got)
		}
	})
}
