package migration

import (
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"

	"docket/internal/database"
)

// Each schema once lacked something, so that a migration has to change a table
// that others refer to: by ALTER TABLE on PostgreSQL, while SQLite makes another
// table and copies the rows.
var once = []struct{ table, dialect, is, was string }{
	{"clients", dialect.Postgres, "\"subject\" character varying NULL, PRIMARY KEY (\"id\"), CONSTRAINT \"first_name_length\" CHECK ((length((first_name)::text) >= 1) AND (length((first_name)::text) <= 100)), CONSTRAINT \"last_name_length\" CHECK ((length((last_name)::text) >= 1) AND (length((last_name)::text) <= 100)));\n-- Create index \"clients_", "\"subject\" character varying NULL, PRIMARY KEY (\"id\"));\n-- Create index \"clients_"},
	{"appointments", dialect.Postgres, `, CONSTRAINT "appointment_start_before_end" CHECK (time_slot < ends_at)`, ""},
	{"reservations", dialect.Postgres, `CONSTRAINT "reservation_active_span" CHECK ((active_until IS NULL) OR (active_until >= active_from)), `, ""},
	{"clients", dialect.SQLite, "`last_name` varchar NOT NULL, `subject` text NULL, CONSTRAINT `first_name_length` CHECK (length(first_name) BETWEEN 1 AND 100)", "`last_name` varchar NOT NULL, `subject` text NULL"},
	{"appointments", dialect.SQLite, ", CONSTRAINT `appointment_start_before_end` CHECK (time_slot < ends_at)", ""},
	{"reservations", dialect.SQLite, "CONSTRAINT `reservation_active_span` CHECK (active_until IS NULL OR active_until >= active_from), ", ""},
}

func TestChangingATableLosesNothing(t *testing.T) {
	t.Parallel()
	for _, o := range once {
		t.Run(o.dialect+"/"+o.table, func(t *testing.T) {
			t.Parallel()
			db, dir := newDB(t, o.dialect), edited(t, o.dialect, o.is, o.was)
			db.SetMaxOpenConns(1) // the connection that migrates is then used for the rest
			apply(t, db, dir)
			mustExec(t, db, literal(seed))
			mustExec(t, db, reserves(1, 1, 301, "HELD", "@8:00", "@8:30"))
			mustExec(t, db, reserves(2, 2, 302, "CONFIRMED", "@8:00", "NULL"))
			before := content(t, db)
			gone := newest(t, db, o.table)

			text := diff(t, dir, o.dialect)
			if o.dialect == dialect.SQLite && !strings.Contains(text, "RENAME TO `"+o.table+"`") {
				t.Fatalf("no rebuild:\n%s", text)
			}
			lints(t, o.dialect, dir, 1, "")
			if applied := apply(t, db, dir); len(applied) != 1 {
				t.Fatalf("applied %q", applied)
			}

			if after := content(t, db); !slices.Equal(after, before) {
				t.Errorf("rows before\n\t%s\nafter\n\t%s", strings.Join(before, "\n\t"), strings.Join(after, "\n\t"))
			}
			if again := newest(t, db, o.table); again != gone+1 {
				t.Errorf("after id %d was given away comes %d", gone, again)
			}
			equalToReal(t, db)
			for _, c := range cases[:1] {
				if err := try(t, db, c.stmts); err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			if err := try(t, db, []string{"UPDATE reservations SET client_id = 9 WHERE id = 1"}); err == nil {
				t.Error("references are not checked any more")
			}
		})
	}
}

// content is all rows of a database, as text.
func content(t *testing.T, db *database.DB) []string {
	t.Helper()
	var all []string
	for _, table := range []string{"clients", "providers", "appointments", "reservations", "client_providers"} {
		row := "t::text"
		if db.Dialect == dialect.SQLite {
			columns := query(t, db, "SELECT 'quote(' || name || ')' FROM pragma_table_info($1) ORDER BY cid", table)
			row = strings.Join(columns, " || ' ' || ")
		}
		all = append(all, query(t, db, "SELECT '"+table+" ' || "+row+" FROM "+table+" t ORDER BY 1")...)
	}
	return all
}

// newest gives the next id of a table to a row that is deleted again.
func newest(t *testing.T, db *database.DB, table string) (id int64) {
	t.Helper()
	insert := map[string]string{
		"clients":      `clients (created_at, updated_at, first_name, last_name) VALUES (@8:00, @8:00, 'Eve', 'P')`,
		"appointments": `appointments (created_at, updated_at, provider_id, time_slot, ends_at) VALUES (@8:00, @8:00, 101, @12:00, @12:15)`,
		"reservations": `reservations (created_at, updated_at, client_id, state, expiry, active_from, active_until, appointment_id, provider_id, time_slot, ends_at)
			SELECT @8:00, @8:00, 1, 'CANCELLED', @8:30, @8:00, @8:00, id, provider_id, time_slot, ends_at FROM appointments WHERE id = 301`,
	}[table]
	if err := db.QueryRowContext(t.Context(), literal("INSERT INTO "+insert+" RETURNING id")).Scan(&id); err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, "DELETE FROM "+table+" WHERE id = $1", id)
	return id
}

// equalToReal fails unless the database is as if it never had been different.
func equalToReal(t *testing.T, db *database.DB) {
	t.Helper()
	drv, err := open(db.Dialect, db)
	if err != nil {
		t.Fatal(err)
	}
	got, err := logical(t.Context(), db, drv)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Replay(t.Context(), newDB(t, db.Dialect), embedded(t, db.Dialect))
	if err != nil {
		t.Fatal(err)
	}
	used := func(sentence string) bool { return strings.HasPrefix(sentence, "ids of ") } // they went on
	got, want = slices.DeleteFunc(got, used), slices.DeleteFunc(want, used)
	if !slices.Equal(got, want) {
		t.Errorf("the database has %q more and %q less", got.Without(want), want.Without(got))
	}
}
