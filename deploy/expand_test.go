package deploy_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/migration"
	"docket/internal/pgtest"
	"docket/migrations"
)

// step is a file of migrations: one of those that docs/migrations.md describes.
type step struct{ name, text string }

// steps expand, fill and contract.
var steps = map[string][]step{
	dialect.Postgres: {
		{"20990101000000_expand", `
ALTER TABLE clients ADD COLUMN phone text;
ALTER TABLE appointments ADD COLUMN place text NOT NULL DEFAULT 'here';
ALTER TABLE reservations ADD COLUMN source text;
ALTER TABLE reservations ADD CONSTRAINT source_known CHECK (source IN ('web', 'app')) NOT VALID;
CREATE TABLE places (name text PRIMARY KEY);
`},
		{"20990102000000_index", `-- atlas:txmode none

CREATE INDEX CONCURRENTLY reservations_source ON reservations (source);
`},
		{"20990103000000_fill", `
UPDATE reservations SET source = 'web' WHERE source IS NULL AND id % 7 = 0;
`},
		{"20990104000000_validate", `-- atlas:txmode none

ALTER TABLE reservations VALIDATE CONSTRAINT source_known;
`},
		{"20990104120000_widen", `
ALTER TABLE reservations ALTER COLUMN state TYPE text;
ALTER TABLE appointments ALTER COLUMN status TYPE text;
`},
		{"20990105000000_contract", `
-- Nobody has used it for a release.
ALTER TABLE reservations DROP COLUMN source;
ALTER TABLE appointments DROP COLUMN place;
`},
	},
	dialect.SQLite: {
		{"20990101000000_expand", `-- atlas:delimiter \n\n

ALTER TABLE clients ADD COLUMN phone text

ALTER TABLE appointments ADD COLUMN place text NOT NULL DEFAULT 'here'

ALTER TABLE reservations ADD COLUMN source text CHECK (source IN ('web', 'app'))

CREATE TABLE places (name text PRIMARY KEY)

CREATE INDEX reservations_source ON reservations (source)

`},
		{"20990103000000_fill", `
UPDATE reservations SET source = 'web' WHERE source IS NULL AND id % 7 = 0;
`},
		{"20990105000000_contract", `-- atlas:delimiter \n\n

DROP INDEX reservations_source

ALTER TABLE reservations DROP COLUMN source

ALTER TABLE appointments DROP COLUMN place

`},
	},
}

// newer is a folder of migrations as the next versions have it: what there is, and
// the first n steps.
func newer(t *testing.T, name string, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, migrations.FS); err != nil {
		t.Fatal(err)
	}
	for _, s := range steps[name][:n] {
		if err := os.WriteFile(filepath.Join(dir, migration.Folder(name), s.name+".sql"), []byte(s.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := migration.Local(dir, name)
	if err == nil {
		err = migration.Hash(files)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// expandAndContract applies one step after the other as the next versions would,
// with bookings between them.
func expandAndContract(t *testing.T, top *topology, db *database.DB, seen string) {
	t.Helper()
	for i, s := range steps[db.Dialect] {
		more(t, db, 10) // with what the last one left
		cmd := image{root: top.root, Database: seen}
		out, err := cmd.Run(t, nil, "migrate", "apply", "--dir", newer(t, db.Dialect, i+1), "--database", seen)
		if err != nil || !strings.Contains(out, "applied "+s.name) || strings.Count(out, "applied") != 1 {
			t.Fatalf("%s: %v\n%s", s.name, err, out)
		}
	}
	more(t, db, 10)
}

// The schema changes under servers that do not know of it, and under load, and not
// one request fails.
func TestMigrationUnderLoad(t *testing.T) {
	t.Parallel()
	t.Run(dialect.Postgres, func(t *testing.T) {
		t.Parallel()
		top := newTopology(t, 2)
		db := dbtest.At(t, top.Database)
		none(t, top, bookers(t, top.url, 4, func() {
			expandAndContract(t, top, db, top.Database)
			top.roll(t) // by servers that know no more of it
			more(t, db, 10)
		}))
	})
	t.Run(dialect.SQLite, func(t *testing.T) {
		t.Parallel()
		top := &topology{image: newImage(t)}
		top.env = []string{"DOCKET_DATABASE=" + top.Database, "DOCKET_ADVANCE_NOTICE=0s", "DOCKET_RATE_LIMIT=0", "DOCKET_RATE_LIMIT_ANONYMOUS=0"}
		s := top.Serve(t, append(slices.Clone(top.env), "DOCKET_LISTEN=127.0.0.1:0"))
		seen := "sqlite://" + top.File()
		db := dbtest.At(t, seen)
		all := bookers(t, "http://"+s.Address, 3, func() { expandAndContract(t, top, db, seen) })
		top.Database = seen
		none(t, top, all)
		// And one that knows no more of it starts.
		top.all = []served{s}
		top.stop(t, s)
		top.Serve(t, append(slices.Clone(top.env), "DOCKET_LISTEN=127.0.0.1:0"))
	})
}

// none fails the test if a request failed.
func none(t *testing.T, top *topology, all []*booker) {
	t.Helper()
	booked, asked, failed := top.counted(t, all)
	t.Logf("%d requests, %d slots booked, %d requests failed", asked, booked, len(failed))
	for i, f := range failed {
		if i < 5 {
			t.Error(f)
		}
	}
}

// Of the steps, lint has something against those alone that drop what an older
// version may use.
func TestStepsAreLinted(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{dialect.Postgres: pgtest.New(t, nil), dialect.SQLite: "sqlite://" + filepath.Join(t.TempDir(), "dev.db")} {
		all := steps[name]
		dir, err := migration.Local(newer(t, name, len(all)), name)
		if err != nil {
			t.Fatal(err)
		}
		base, err := migration.Latest(dir, len(all))
		if err != nil {
			t.Fatal(err)
		}
		found, err := migration.Lint(t.Context(), dbtest.At(t, url), dir, base)
		if err != nil {
			t.Fatal(err)
		}
		dropped := 0
		for _, f := range found {
			if f.Code != "DS103" || !strings.Contains(f.File, "contract") {
				t.Errorf("%s: %s", name, f)
			}
			dropped++
		}
		if dropped != 2 {
			t.Errorf("%s: of two columns that are dropped, %d are found", name, dropped)
		}
	}
}
