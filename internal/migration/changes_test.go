package migration

import (
	"slices"
	"strings"
	"testing"

	"ariga.io/atlas/sql/migrate"
)

// until is the real directory as it was before the migration called desc.
func until(t *testing.T, name, desc string) *migrate.MemDir {
	t.Helper()
	files, err := embedded(t, name).Files()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(files, func(f migrate.File) bool { return f.Desc() == desc })
	if at < 0 {
		t.Fatalf("there is no migration %s", desc)
	}
	dir := &migrate.MemDir{}
	for _, f := range files[:at] {
		write(t, dir, f.Name(), string(f.Bytes()))
	}
	return dir
}

// A database that noted only updates becomes one with a trail: what it has noted
// is part of it, and stays as it is.
func TestTheTrailGoesOnFromWhatWasNoted(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		db := newDB(t, name)
		apply(t, db, until(t, name, "audit"))
		mustExec(t, db, literal(seed))
		mustExec(t, db, "UPDATE clients SET first_name = 'Eve', version = 2 WHERE id = 1")
		mustExec(t, db, "UPDATE clients SET first_name = 'Eva', version = 3 WHERE id = 1")
		mustExec(t, db, "DELETE FROM changes WHERE version = 3") // its id is not given away again
		if applied := apply(t, db, embedded(t, name)); len(applied) == 0 {
			t.Fatal("nothing was applied")
		}
		mustExec(t, db, "DELETE FROM clients WHERE id = 2")
		got := query(t, db, "SELECT id || ' ' || row_id || ' ' || version || ' ' || action || ' ' || columns || ' ' || coalesce(viewer, '-') || ' ' || coalesce(operation, '-') FROM changes ORDER BY id")
		want := []string{`17179869185 1 2 UPDATE ["first_name"] - -`, `17179869187 2 1 DELETE [] - -`}
		if !slices.Equal(got, want) {
			t.Errorf("the trail is %q, want %q", got, want)
		}
		if _, err := db.ExecContext(t.Context(), "UPDATE changes SET action = 'CREATE' WHERE version = 2"); err == nil || !strings.Contains(err.Error(), refusal) {
			t.Errorf("what was noted before is changed: %v", err)
		}
	})
}
