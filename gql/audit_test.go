package gql_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
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
			a := audited(t, db)
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

// A subject is text, whatever it looks like to SQL. One that no database can hold
// as it is writes nothing: it would be noted as somebody else.
func TestTrailOfHostileSubjects(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serve(t, db)
		for _, subject := range []string{
			`'; DROP TABLE clients; --`, `\'; DROP TABLE clients; --`, `''`, `\`, `E'\000'`, `$1`, "DEFAULT", "a\nb", "Zoë 🦉", strings.Repeat("x", 1<<10), " ",
		} {
			before := last(t, db)
			a.admin(subject).client(t, "Ada", "Nowak")
			got := trail(t, db, before)
			if len(got) != 1 || got[0].viewer.String != subject || got[0].operation.String != "clientCreate" {
				t.Errorf("%q is noted as %v", subject, got)
			}
		}
		before := last(t, db)
		for _, subject := range []string{"a\x00b", "\x00", "\xff"} {
			if r := a.admin(subject).run(t, `mutation { clientCreate(input: {firstName: "A", lastName: "B"}) { client { id } } }`, nil); len(r.Errors) == 0 {
				t.Errorf("%q writes", subject)
			}
		}
		if got := trail(t, db, before); len(got) > 0 {
			t.Errorf("noted %v", got)
		}
		a.admin("").client(t, "No", "Name")
		if got := trail(t, db, before); len(got) != 1 || got[0].viewer.Valid || got[0].operation.String != "clientCreate" {
			t.Errorf("nobody is noted as %v", got)
		}
	})
}

// Entries stay as they are, whoever has SQL to change them.
func TestTrailIsAppendOnly(t *testing.T) {
	t.Parallel()
	attacks := map[string][]string{
		"": {
			"UPDATE changes SET viewer = 'bea'", "DELETE FROM changes", "DELETE FROM changes WHERE id = %d", "UPDATE changes SET id = id + 1000",
			"UPDATE changes SET viewer = viewer",
			"INSERT INTO changes (id, row_id, version, changed_at, columns, action) VALUES (%d, 1, 1, '2030-01-01', '[]', 'DELETE') ON CONFLICT (id) DO UPDATE SET viewer = 'bea'",
		},
		dialect.SQLite: {
			"INSERT OR REPLACE INTO changes (id, row_id, version, changed_at, columns, action) VALUES (%d, 1, 1, '2030-01-01', '[]', 'DELETE')",
			"REPLACE INTO changes (id, row_id, version, changed_at, columns, action) VALUES (%d, 1, 1, '2030-01-01', '[]', 'DELETE')",
			"UPDATE OR REPLACE changes SET id = %d",
		},
		dialect.Postgres: {
			"TRUNCATE changes", "TRUNCATE clients, changes CASCADE", "DELETE FROM ONLY changes WHERE false",
			"WITH gone AS (DELETE FROM changes RETURNING id) SELECT count(*) FROM gone",
			"MERGE INTO changes USING clients ON true WHEN MATCHED THEN DELETE",
		},
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serve(t, db)
		a.admin("ada").client(t, "Ada", "Nowak")
		a.admin("ada").client(t, "Ida", "Nowak")
		before := trail(t, db, 0)
		for _, attack := range slices.Concat(attacks[""], attacks[db.Dialect]) {
			if strings.Contains(attack, "%d") {
				attack = fmt.Sprintf(attack, before[0].id)
			}
			if _, err := db.ExecContext(t.Context(), attack); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", attack, err)
			}
		}
		if got := trail(t, db, 0); !reflect.DeepEqual(got, before) {
			t.Errorf("the trail is %v, it was %v", got, before)
		}
	})
}

// Many viewers on few connections are never taken for each other, and whoever
// goes round the API in between for none of them. Each writes its name into its
// rows, so that the trail can be held against them.
func TestRaceOfViewers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serve(t, db)
		db.SetMaxOpenConns(3)
		const viewers, rounds = 24, 6
		raw := func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, "INSERT INTO clients (created_at, updated_at, first_name, last_name) VALUES ($1, $1, 'Raw', '-')", monday)
			return err
		}
		var done sync.WaitGroup
		for i := range viewers {
			done.Go(func() {
				name := fmt.Sprint("viewer-", i)
				as := a.admin(name)
				for range rounds {
					if i%6 == 0 {
						if err := raw(t.Context()); err != nil {
							t.Error(err)
						}
						continue
					}
					var v struct{ ClientCreate struct{ Client node } }
					r := as.run(t, `mutation { clientCreate(input: {firstName: "A", lastName: "`+name+`"}) { client { id } } }`, nil)
					if err := json.Unmarshal(r.Data, &v); err != nil || len(r.Errors) > 0 {
						t.Error(err, r.Errors)
					}
					// Half of them are rolled back after they have written.
					as.run(t, `mutation { clientUpdate(input: {id: "`+v.ClientCreate.Client.ID+`", firstName: "B", expectedVersion: 9}) { client { id } } }`, nil)
					as.run(t, `mutation { clientUpdate(input: {id: "`+v.ClientCreate.Client.ID+`", firstName: "C"}) { client { id } } }`, nil)
				}
			})
		}
		done.Wait()
		rows, err := db.QueryContext(t.Context(), "SELECT c.last_name, coalesce(n.viewer, '-'), coalesce(n.operation, '-'), n.action FROM changes n JOIN clients c ON c.id = n.row_id")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		n := map[string]int{}
		for rows.Next() {
			var name, viewer, operation, action string
			if err := rows.Scan(&name, &viewer, &operation, &action); err != nil {
				t.Fatal(err)
			}
			if viewer != name {
				t.Errorf("what %s did is noted as of %s", name, viewer)
			}
			n[operation+" "+action]++
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"clientCreate CREATE": viewers * rounds * 5 / 6, "clientUpdate UPDATE": viewers * rounds * 5 / 6, "- CREATE": viewers * rounds / 6}
		if !reflect.DeepEqual(n, want) {
			t.Errorf("noted %v, want %v", n, want)
		}
	})
}
