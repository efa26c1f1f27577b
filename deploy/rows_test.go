package deploy_test

import (
	"testing"

	"docket/internal/database"
	"docket/internal/scalar"
)

// scan reads the one value of a query.
func scan[T any](t *testing.T, db *database.DB, query string, args ...any) (value T) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

func execute(t *testing.T, db *database.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// ids are those that a query selects, as the API writes them.
func ids(t *testing.T, db *database.DB, query string) map[string]bool {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		found[scalar.FormatID(id)] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// confirmed are the test's own, not the data set's.
const confirmed = "FROM reservations WHERE state = 'CONFIRMED' AND created_at > now() - interval '1 hour'"

// more waits until more reservations have been confirmed.
func more(t *testing.T, db *database.DB, n int) {
	t.Helper()
	const count = "SELECT count(*) FROM changes WHERE operation = 'reservationConfirm'"
	until := scan[int](t, db, count) + n
	within(t, "more is booked", func() bool { return scan[int](t, db, count) >= until })
}

// archived returns when all that was written so far is in the archive.
func archived(t *testing.T, db *database.DB) {
	t.Helper()
	last := scan[string](t, db, "SELECT pg_walfile_name(pg_switch_wal())")
	within(t, "the log is archived", func() bool {
		return scan[bool](t, db, "SELECT coalesce(last_archived_wal, '') >= $1 FROM pg_stat_archiver", last)
	})
}
