package migration

import (
	"context"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
)

// Who says in the URL how long to wait is heard.
func TestApplyWaitsAsTold(t *testing.T) {
	t.Parallel()
	url := newURL(t, dialect.Postgres)
	db, dir := openDB(t, url+"&lock_timeout=50ms"), embedded(t, dialect.Postgres)
	apply(t, db, dir)
	add(t, dir, "expand", "ALTER TABLE clients ADD COLUMN was text DEFAULT current_setting('lock_timeout');\n\nINSERT INTO clients (created_at, updated_at, first_name, last_name) VALUES (now(), now(), 'Ada', 'Nowak');\n\n")
	apply(t, db, dir)
	if got := query(t, db, "SELECT was FROM clients"); len(got) != 1 || got[0] != "50ms" {
		t.Errorf("it waited for %v", got)
	}
}

// While servers are replaced, those of the version before go on with the database
// of the next; and a version that is rolled back starts on it.
func TestAnOlderProgramLacksNothing(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		db, older, newer := newDB(t, name), embedded(t, name), embedded(t, name)
		added := add(t, newer, "expand", "ALTER TABLE clients ADD COLUMN phone text;\n\n")
		apply(t, db, newer)
		pending, err := Pending(t.Context(), db, older)
		if err != nil || len(pending) != 0 {
			t.Errorf("the older program lacks %v: %v", pending, err)
		}
		if applied, err := Apply(t.Context(), db, older); err != nil || len(applied) != 0 {
			t.Errorf("the older program applies %v: %v", applied, err)
		}
		s, err := StatusOf(t.Context(), db, older)
		if err != nil || !strings.HasPrefix(added, s.Current()) {
			t.Errorf("the database has version %q, want that of %s: %v", s.Current(), added, err)
		}
	})
}

// A migration that waits for a table must not have everybody else wait behind it
// for as long as somebody reads: it gives way, and tries again.
func TestApplyGivesWay(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"in a transaction": "ALTER TABLE clients ADD COLUMN phone text;\n\n",
		"in none":          "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY names ON clients (last_name);\nALTER TABLE clients ADD COLUMN phone text;\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			givesWay(t, text)
		})
	}
}

func givesWay(t *testing.T, text string) {
	t.Helper()
	db, dir := newDB(t, dialect.Postgres), embedded(t, dialect.Postgres)
	apply(t, db, dir)
	add(t, dir, "expand", text)
	reader, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Rollback() }()
	if _, err := reader.ExecContext(t.Context(), "SELECT FROM clients"); err != nil {
		t.Fatal(err)
	}
	applied := make(chan error, 1)
	go func() {
		_, err := Apply(context.WithoutCancel(t.Context()), db, dir)
		applied <- err
	}()
	deadline := time.Now().Add(30 * time.Second)
	for len(query(t, db, "SELECT pid::text FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database() AND NOT granted AND mode = 'AccessExclusiveLock'")) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the migration does not come to wait")
		}
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := db.ExecContext(ctx, "SELECT FROM clients"); err != nil {
		t.Errorf("others wait behind the migration: %v", err)
	}
	select {
	case err := <-applied:
		t.Fatalf("it ended before it could: %v", err)
	default:
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-applied; err != nil {
		t.Errorf("once nobody reads: %v", err)
	}
}
