package migration

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"docket/internal/overlap"
)

// Who sees this fail changed a schema: run docket migrate diff.
func TestDiffUnchanged(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		dir := embedded(t, name)
		if text := diff(t, dir, name); text != "" {
			t.Errorf("the migrations lack:\n%s", text)
		}
		missing, err := Missing(t.Context(), newDB(t, name), dir)
		if err != nil || len(missing) > 0 {
			t.Errorf("Missing: %v, %v", missing, err)
		}
	})
}

func TestDiffFromNothing(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		dir := &migrate.MemDir{}
		if text := diff(t, dir, name); text == "" {
			t.Fatal("nothing written")
		}
		dev := newDB(t, name)
		got, err := Replay(t.Context(), dev, dir)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Replay(t.Context(), dev, embedded(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("one file makes %q more and %q less than all of them", got.Without(want), want.Without(got))
		}
		if text := diff(t, dir, name); text != "" {
			t.Errorf("a second diff:\n%s", text)
		}
	})
}

// Each fault is undone, and nothing else is.
var faults = []struct {
	name, dialect, fault string
	want                 []string
}{
	{
		"column", dialect.Postgres, `ALTER TABLE reservations DROP COLUMN cancelled_at;`,
		[]string{
			`ALTER TABLE "reservations" ADD COLUMN "cancelled_at" timestamptz NULL`,
			`CREATE INDEX "reservation_cancelled_at_id" ON "reservations" ("cancelled_at", "id")`,
		},
	},
	{
		"index of an order", dialect.SQLite, "DROP INDEX reservation_cancelled_at_id;",
		[]string{"CREATE INDEX `reservation_cancelled_at_id` ON `reservations` (`cancelled_at`, `id`)"},
	},
	{
		"null", dialect.Postgres, `ALTER TABLE clients ALTER COLUMN first_name DROP NOT NULL;`,
		[]string{`ALTER TABLE "clients" ALTER COLUMN "first_name" SET NOT NULL`},
	},
	{
		"index", dialect.Postgres, `DROP INDEX clients_subject_key;`,
		[]string{`CREATE UNIQUE INDEX "clients_subject_key" ON "clients" ("subject")`},
	},
	{
		"index", dialect.SQLite, `DROP INDEX clients_subject_key;`,
		[]string{"CREATE UNIQUE INDEX `clients_subject_key` ON `clients` (`subject`)"},
	},
	{
		"check", dialect.Postgres, `ALTER TABLE appointments DROP CONSTRAINT appointment_start_before_end;`,
		[]string{`ALTER TABLE "appointments" ADD CONSTRAINT "appointment_start_before_end" CHECK (time_slot < ends_at)`},
	},
	{
		"copied columns", dialect.Postgres, `ALTER TABLE reservations DROP CONSTRAINT reservations_appointment_id_copies;`,
		[]string{`ALTER TABLE "reservations" ADD CONSTRAINT "reservations_appointment_id_copies" FOREIGN KEY ("appointment_id", "provider_id", "time_slot", "ends_at") REFERENCES "appointments" ("id", "provider_id", "time_slot", "ends_at") ON UPDATE NO ACTION ON DELETE CASCADE`},
	},
	{
		"exclusion", dialect.Postgres, `ALTER TABLE appointments DROP CONSTRAINT appointments_provider_overlap;`,
		[]string{`ALTER TABLE "appointments" ADD CONSTRAINT "appointments_provider_overlap" EXCLUDE USING GIST (((provider_id + 0)) WITH =, (tstzrange(time_slot, ends_at)) WITH &&) WHERE ((status)::text = 'OPEN'::text)`},
	},
	{
		"exclusion of two spans", dialect.Postgres, `ALTER TABLE reservations DROP CONSTRAINT reservations_client_busy;`,
		[]string{`ALTER TABLE "reservations" ADD CONSTRAINT "reservations_client_busy" EXCLUDE USING GIST (((client_id + 0)) WITH =, (tstzrange(time_slot, ends_at)) WITH &&, (tstzrange(active_from, active_until)) WITH &&)`},
	},
	{
		"trigger", dialect.SQLite, `DROP TRIGGER reservations_slot_taken_update;`,
		[]string{trigger("reservations", overlap.Of("reservations")[0].Exclusion, "UPDATE").create},
	},
	{
		"trigger that nobody wants", dialect.SQLite, `CREATE TRIGGER never BEFORE INSERT ON clients BEGIN SELECT 1; END;`,
		[]string{"DROP TRIGGER IF EXISTS never"},
	},
	{
		"trigger", dialect.Postgres, `DROP TRIGGER clients_changed ON clients;`,
		[]string{"CREATE TRIGGER clients_changed AFTER UPDATE ON clients FOR EACH ROW EXECUTE FUNCTION note_change()"},
	},
	{
		"trigger at another time", dialect.Postgres,
		"DROP TRIGGER clients_changed ON clients;\nCREATE TRIGGER clients_changed BEFORE UPDATE ON clients FOR EACH ROW EXECUTE FUNCTION note_change();",
		[]string{
			"DROP TRIGGER IF EXISTS clients_changed ON clients",
			"CREATE TRIGGER clients_changed AFTER UPDATE ON clients FOR EACH ROW EXECUTE FUNCTION note_change()",
		},
	},
	{
		"function that does something else, while triggers hold on to it", dialect.Postgres,
		"CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';",
		[]string{noteChange},
	},
	{
		"function that nobody wants", dialect.Postgres, "CREATE FUNCTION never() RETURNS int LANGUAGE sql AS 'SELECT 1';",
		[]string{"DROP FUNCTION IF EXISTS never"},
	},
	{"view", dialect.Postgres, `DROP VIEW client_providers;`, []string{createView}},
	{"view", dialect.SQLite, `DROP VIEW client_providers;`, []string{createView}},
	{
		"view that means something else", dialect.Postgres,
		`CREATE OR REPLACE VIEW client_providers AS SELECT client_id, provider_id FROM reservations;`,
		[]string{"DROP VIEW IF EXISTS client_providers", createView},
	},
	{
		"view that means something else", dialect.SQLite,
		"DROP VIEW client_providers;\nCREATE VIEW client_providers AS SELECT client_id, provider_id FROM reservations;",
		[]string{"DROP VIEW IF EXISTS client_providers", createView},
	},
	{"view that nobody wants", dialect.Postgres, `CREATE VIEW people AS SELECT * FROM clients;`, []string{"DROP VIEW IF EXISTS people"}},
	{"view that nobody wants", dialect.SQLite, `CREATE VIEW people AS SELECT * FROM clients;`, []string{"DROP VIEW IF EXISTS people"}},
	{"entity that is gone", dialect.Postgres, `CREATE TABLE rooms (id bigint PRIMARY KEY);`, []string{`DROP TABLE "rooms"`}},
	{
		"entity that is gone", dialect.SQLite, `CREATE TABLE rooms (id integer PRIMARY KEY);`,
		[]string{"PRAGMA foreign_keys = off", "DROP TABLE `rooms`", "PRAGMA foreign_keys = on"},
	},
}

const createView = "CREATE VIEW client_providers AS SELECT DISTINCT client_id, provider_id FROM reservations"

func TestDiffUndoes(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.dialect+"/"+f.name, func(t *testing.T) {
			t.Parallel()
			dir := embedded(t, f.dialect)
			add(t, dir, "fault", f.fault)
			stmts, err := migrate.Stmts(diff(t, dir, f.dialect))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range stmts {
				got = append(got, strings.TrimSuffix(s.Text, ";"))
			}
			if !slices.Equal(got, f.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(f.want, "\n\t"))
			}
		})
	}
}

func TestDiffRefuses(t *testing.T) {
	t.Parallel()
	dir := embedded(t, dialect.SQLite)
	for _, name := range []string{"", "Add Rooms", "../rooms", "rooms.sql"} {
		if _, err := Diff(t.Context(), newDB(t, dialect.SQLite), dir, after, name); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
	add(t, dir, "rooms", "CREATE TABLE rooms (id integer);")
	if err := dir.WriteFile("atlas.sum", []byte("h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := Diff(t.Context(), newDB(t, dialect.SQLite), dir, after, "more"); !errors.Is(err, migrate.ErrChecksumMismatch) {
		t.Errorf("files without a checksum: %v", err)
	}
}

// A file that came before one that is applied would never be.
func TestVersionsAscend(t *testing.T) {
	t.Parallel()
	dir := &migrate.MemDir{}
	now := time.Date(2026, 2, 28, 23, 59, 59, 0, time.FixedZone("", 3600))
	for _, want := range []string{"20260228225959", "20260228230000", "20260228230001"} {
		got, err := nextVersion(dir, now)
		if err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		write(t, dir, got+"_x.sql", "SELECT 1;")
	}
}

// A view may speak of a table that is only to come.
func TestDiffOfAViewAndItsTable(t *testing.T) {
	t.Parallel()
	dir := embedded(t, dialect.Postgres)
	add(t, dir, "fault", `
		DROP VIEW client_providers;
		DROP TABLE reservations;
		CREATE VIEW client_providers AS SELECT 1 AS client_id;`)
	text := diff(t, dir, dialect.Postgres)
	if strings.Index(text, `CREATE TABLE "reservations"`) > strings.Index(text, createView) {
		t.Errorf("the view comes before its table:\n%s", text)
	}
	if text := diff(t, dir, dialect.Postgres); text != "" {
		t.Errorf("a second diff:\n%s", text)
	}
}
