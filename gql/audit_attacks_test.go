package gql_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/dbtest"
)

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
