package migration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"
)

// Each file is the only one that the branch adds, and has these findings.
var planted = []struct {
	name, dialect, text string
	want                []string // line and code
}{
	{"a table dropped", dialect.Postgres, "DROP VIEW client_providers;\nDROP TABLE reservations;", []string{"2 DS102"}},
	{"a table dropped", dialect.SQLite, "DROP VIEW client_providers;\nDROP TABLE reservations;", []string{"2 DS102"}},
	{"a column dropped", dialect.Postgres, "-- Because.\nALTER TABLE clients DROP COLUMN subject;", []string{"2 DS103"}},
	{"a column dropped", dialect.SQLite, "DROP INDEX clients_subject_key;\nDROP TRIGGER clients_changed;\nALTER TABLE clients DROP COLUMN subject;", []string{"3 DS103"}},
	{"a column renamed", dialect.Postgres, "ALTER TABLE clients RENAME COLUMN subject TO sub;", []string{"1 DS103"}},
	{"a column added that must have a value", dialect.Postgres, "ALTER TABLE clients ADD COLUMN phone text NOT NULL;", []string{"1 MF103"}},
	{"a column added that must have a value", dialect.SQLite, "ALTER TABLE clients ADD COLUMN phone text NOT NULL;", []string{"1 MF103"}},
	{"a column added that has one", dialect.Postgres, "ALTER TABLE clients ADD COLUMN phone text NOT NULL DEFAULT '';", nil},
	{"a column added that has one", dialect.SQLite, "ALTER TABLE clients ADD COLUMN phone text NOT NULL DEFAULT '';", nil},
	{"a column added that may be null", dialect.Postgres, "ALTER TABLE clients ADD COLUMN phone text;", nil},
	{
		"a table made again that has less, and wants more", dialect.SQLite,
		"CREATE TABLE new_clients (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, first_name text NOT NULL, phone text NOT NULL);\n" +
			"INSERT INTO new_clients (id, first_name, phone) SELECT id, first_name, '' FROM clients;\n" +
			"DROP TABLE clients;\nALTER TABLE new_clients RENAME TO clients;",
		[]string{"1 DS103", "1 MF103"},
	},
	{"a column that from now on must have a value", dialect.Postgres, "ALTER TABLE clients ALTER COLUMN subject SET NOT NULL;", []string{"1 MF104"}},
	{"a unique index on rows that are there", dialect.SQLite, "CREATE UNIQUE INDEX names ON clients (last_name);", []string{"1 MF101"}},
	{"a reference dropped", dialect.Postgres, "ALTER TABLE reservations DROP CONSTRAINT reservations_clients_reservations;", []string{"1 CD101"}},
	{"an index that stops writes", dialect.Postgres, "CREATE INDEX names ON clients (last_name);", []string{"1 PG101"}},
	{"a unique index that stops writes", dialect.Postgres, "create unique  index names ON clients (last_name);", []string{"1 MF101", "1 PG101"}},
	{"an index dropped that stops writes", dialect.Postgres, "DROP INDEX clients_subject_key;", []string{"1 PG102"}},
	{"an index that stops nobody", dialect.SQLite, "CREATE INDEX names ON clients (last_name);", nil},
	{"an index made beside the work", dialect.Postgres, "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY names ON clients (last_name);\nDROP INDEX CONCURRENTLY clients_subject_key;", nil},
	{"an index that cannot be made in a transaction", dialect.Postgres, "CREATE INDEX CONCURRENTLY names ON clients (last_name);", []string{"1 PG103"}},
	{"an index on a new table", dialect.Postgres, "CREATE TABLE rooms (id bigint, name text NOT NULL);\nCREATE UNIQUE INDEX names ON rooms (name);\nDROP INDEX names;", nil},
	{"a column meant to go", dialect.Postgres, "-- Nobody reads it since version 3.\n-- atlas:nolint DS103\nALTER TABLE clients DROP COLUMN subject;", nil},
	{"a column meant to go", dialect.SQLite, "-- atlas:delimiter \\n\\n\n\nDROP INDEX clients_subject_key\n\n\nDROP TRIGGER clients_changed\n\n\n-- atlas:nolint destructive\nALTER TABLE clients DROP COLUMN subject\n\n\n", nil},
	{"another thing meant", dialect.Postgres, "-- atlas:nolint MF103\nALTER TABLE clients DROP COLUMN subject;", []string{"2 DS103"}},
	{"one thing meant, not the next", dialect.Postgres, "-- atlas:nolint\nALTER TABLE clients DROP COLUMN subject;\nALTER TABLE clients DROP COLUMN last_name;", []string{"3 DS103"}},
	{"all of a file meant", dialect.Postgres, "-- atlas:nolint DS103 concurrent_index\n\nCREATE INDEX names ON clients (last_name);\nALTER TABLE clients DROP COLUMN subject;\nALTER TABLE clients ADD COLUMN phone text NOT NULL;", []string{"5 MF103"}},
	{"a line behind a delimiter", dialect.SQLite, "-- atlas:delimiter \\n\\n\n\nSELECT 1\n\n\nDROP VIEW client_providers\n\n\nDROP TABLE reservations\n\n\n", []string{"9 DS102"}},
}

func TestLintFinds(t *testing.T) {
	t.Parallel()
	for _, p := range planted {
		t.Run(p.dialect+"/"+p.name, func(t *testing.T) {
			t.Parallel()
			dir := embedded(t, p.dialect)
			file := add(t, dir, "planted", p.text)
			lints(t, p.dialect, dir, 1, file, p.want...)
		})
	}
}

// lints fails unless Lint finds in the latest n files just what is wanted, all
// in one file.
func lints(t *testing.T, name string, dir migrate.Dir, n int, file string, want ...string) {
	t.Helper()
	base, err := Latest(dir, n)
	if err != nil {
		t.Fatal(err)
	}
	found, err := Lint(t.Context(), newDB(t, name), dir, base)
	if err != nil {
		t.Fatal(err)
	}
	got := codes(found)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: %v", got, want, found)
	}
	for _, f := range found {
		if f.File != file || f.Text == "" {
			t.Errorf("got %v, want a finding in %s", f, file)
		}
	}
}

func codes(found []Finding) []string {
	var all []string
	for _, f := range found {
		all = append(all, fmt.Sprintf("%d %s", f.Line, f.Code))
	}
	slices.Sort(all)
	return all
}

func TestLintOfWhatThereIs(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		lints(t, name, embedded(t, name), 1000, "")
	})
}

// What Diff writes when an entity is gone loses its rows: a person has to decide.
func TestLintOfAnEntityThatIsGone(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		dir := embedded(t, name)
		add(t, dir, "rooms", "CREATE TABLE rooms (id integer PRIMARY KEY);")
		text := diff(t, dir, name)
		files, err := dir.Files()
		if err != nil {
			t.Fatal(err)
		}
		line := 1 + strings.Count(text[:strings.Index(text, "DROP TABLE")], "\n")
		lints(t, name, dir, 1, files[len(files)-1].Name(), fmt.Sprintf("%d DS102", line))
	})
}

// A table that an earlier file of the same branch creates is in nobody's way.
func TestLintOfTwoFiles(t *testing.T) {
	t.Parallel()
	dir := embedded(t, dialect.Postgres)
	add(t, dir, "rooms", "CREATE TABLE rooms (id bigint);")
	file := add(t, dir, "index", "CREATE INDEX numbers ON rooms (id);")
	lints(t, dialect.Postgres, dir, 2, "")
	lints(t, dialect.Postgres, dir, 1, file, "1 PG101")
}

func TestLintSaysWhatFails(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		dir := embedded(t, name)
		file := add(t, dir, "wrong", "CREATE TABLE rooms (id bigint);\n\nDROP TABLE room;")
		dev := newDB(t, name)
		_, err := Lint(t.Context(), dev, dir, Base{})
		if err == nil || !strings.Contains(err.Error(), file+":3: ") {
			t.Errorf("Lint: %v", err)
		}
		if left := everything(t, dev); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

// A branch adds files, newer than those that others have, and changes none.
func TestLintSinceARevision(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", top, "-c", "user.name=n", "-c", "user.email=e@example.com"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	path := filepath.Join(top, "migrations", "sqlite")
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := Local(filepath.Dir(path), dialect.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	since := func() []string {
		t.Helper()
		base, err := Since(t.Context(), path, "main")
		if err != nil {
			t.Fatal(err)
		}
		found, err := Lint(t.Context(), newDB(t, dialect.SQLite), dir, base)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, f := range found {
			all = append(all, strings.TrimSuffix(f.File, ".sql")+" "+f.Code)
		}
		return all
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if got := since(); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}

	git("init", "-q", "-b", "main")
	git("commit", "-q", "--allow-empty", "-m", "nothing")
	write(t, dir, "20_rooms.sql", "CREATE TABLE rooms (id integer, name text);\nCREATE TABLE old (id integer);\nDROP TABLE old;")
	expect("all is new")
	write(t, dir, "30_drop.sql", "ALTER TABLE rooms DROP COLUMN name;")
	git("add", ".")
	git("commit", "-q", "-m", "as others have it")
	expect("nothing is new")
	write(t, dir, "40_drop.sql", "DROP TABLE rooms;")
	expect("not committed yet", "40_drop DS102")
	git("checkout", "-q", "-b", "branch")
	git("add", ".")
	git("commit", "-q", "-m", "as the branch has it")
	expect("committed", "40_drop DS102")
	write(t, dir, "25_late.sql", "CREATE TABLE late (id integer);")
	expect("out of order", "25_late DK102", "40_drop DS102")
	write(t, dir, "20_rooms.sql", "CREATE TABLE rooms (id integer, name text);")
	expect("changed", "20_rooms DK101", "25_late DK102", "40_drop DS102")
	write(t, dir, "20_rooms.sql", "CREATE TABLE rooms (id integer, name text);\nCREATE TABLE old (id integer);\nDROP TABLE old;")
	if err := os.Remove(filepath.Join(path, "30_drop.sql")); err != nil {
		t.Fatal(err)
	}
	if err := Hash(dir); err != nil {
		t.Fatal(err)
	}
	expect("removed", "30_drop DK101", "25_late DK102", "40_drop DS102")
	if _, err := Since(t.Context(), path, "no-such-revision"); err == nil || !strings.Contains(err.Error(), "no-such-revision") {
		t.Errorf("a revision that is not there: %v", err)
	}
}
