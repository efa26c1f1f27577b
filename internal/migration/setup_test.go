package migration

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/pgtest"
)

// after is when the tests write migrations: later than any there is.
var after = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)

// both runs a test on each database.
func both(t *testing.T, test func(t *testing.T, name string)) {
	t.Parallel()
	for _, name := range []string{dialect.Postgres, dialect.SQLite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name)
		})
	}
}

// newDB is an empty database of the test's own.
func newDB(t *testing.T, name string) *database.DB {
	t.Helper()
	return openDB(t, newURL(t, name))
}

func newURL(t *testing.T, name string) string {
	t.Helper()
	if name == dialect.SQLite {
		return "sqlite://" + filepath.Join(t.TempDir(), "docket.db")
	}
	return pgtest.New(t, nil)
}

func openDB(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// embedded is a copy of the real directory, to change at will.
func embedded(t *testing.T, name string) *migrate.MemDir {
	t.Helper()
	dir, err := Embedded(name)
	if err != nil {
		t.Fatal(err)
	}
	return dir.(*migrate.MemDir)
}

// add adds a file to a directory, newer than those there, and returns its name.
func add(t *testing.T, dir migrate.Dir, name, text string) string {
	t.Helper()
	version, err := nextVersion(dir, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	name = version + "_" + name + ".sql"
	write(t, dir, name, text)
	return name
}

// write writes a file, and the checksums.
func write(t *testing.T, dir migrate.Dir, name, text string) {
	t.Helper()
	if err := dir.WriteFile(name, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := Hash(dir); err != nil {
		t.Fatal(err)
	}
}

// edited returns the real directory, but as if its first file had been written
// with the text now instead of is.
func edited(t *testing.T, name, is, now string) *migrate.MemDir {
	t.Helper()
	dir := embedded(t, name)
	files, err := dir.Files()
	if err != nil {
		t.Fatal(err)
	}
	text := string(files[0].Bytes())
	if strings.Count(text, is) != 1 {
		t.Fatalf("%s does not have once %q", files[0].Name(), is)
	}
	write(t, dir, files[0].Name(), strings.Replace(text, is, now, 1))
	return dir
}

// diff writes a migration and returns its text.
func diff(t *testing.T, dir migrate.Dir, name string) string {
	t.Helper()
	file, err := Diff(t.Context(), newDB(t, name), dir, after, "test")
	if err != nil {
		t.Fatal(err)
	}
	if file == "" {
		return ""
	}
	files, err := dir.Files()
	if err != nil {
		t.Fatal(err)
	}
	if newest := files[len(files)-1]; newest.Name() == file {
		return string(newest.Bytes())
	}
	t.Fatalf("Diff says that it wrote %s, which is not the newest", file)
	return ""
}

func apply(t *testing.T, db *database.DB, dir migrate.Dir) []string {
	t.Helper()
	applied, err := Apply(t.Context(), db, dir)
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

// query returns the only column of a query, as text.
func query(t *testing.T, db *database.DB, text string, args ...any) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all := []string{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func mustExec(t *testing.T, db *database.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
