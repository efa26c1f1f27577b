package deploy_test

import (
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/migration"
)

// Steps of migrations as docs/migrations.md describes them: expand, fill, contract.
// Each is a file.
var steps = []struct{ name, text string }{
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
	{"20990105000000_contract", `
ALTER TABLE reservations DROP COLUMN source;
ALTER TABLE appointments DROP COLUMN place;
`},
}

// The schema changes under servers that do not know of it, and under load, and not
// one request fails.
func TestMigrationUnderLoad(t *testing.T) {
	t.Parallel()
	top := newTopology(t, 2)
	db, err := database.Open(top.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := bookers(t, top.url, 4, func() {
		dir, err := migration.Embedded(dialect.Postgres)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range steps {
			time.Sleep(300 * time.Millisecond) // with what the last one left
			if err := dir.WriteFile(step.name+".sql", []byte(step.text)); err != nil {
				t.Fatal(err)
			}
			if err := migration.Hash(dir); err != nil {
				t.Fatal(err)
			}
			if applied, err := migration.Apply(t.Context(), db, dir); err != nil || len(applied) != 1 {
				t.Fatalf("%s: %v, %v", step.name, applied, err)
			}
		}
		top.roll(t) // by servers that know no more of it
	})
	booked, asked, failed := top.counted(t, all)
	t.Logf("%d migrations, %d requests, %d slots booked, %d requests failed", len(steps), asked, booked, len(failed))
	for i, f := range failed {
		if i < 5 {
			t.Error(f)
		}
	}
	if booked < 50 {
		t.Errorf("only %d slots were booked", booked)
	}
}
