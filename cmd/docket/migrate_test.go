package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"docket/internal/pgtest"
	"docket/migrations"
)

// migrates runs `docket migrate` and returns what it prints, and its error.
func migrates(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), append([]string{"migrate"}, args...), &out)
	return out.String(), err
}

// tree is a copy of the folder of migrations.
func tree(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "migrations")
	if err := os.CopyFS(dir, migrations.FS); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMigrateStatusAndApply(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"sqlite":   "sqlite://" + filepath.Join(t.TempDir(), "docket.db"),
		"postgres": pgtest.New(t, nil),
	} {
		dir := tree(t)
		writeFile(t, dir, name+"/20990101000000_rooms.sql", "CREATE TABLE rooms (id bigint);")
		database := "--database=" + url
		for _, step := range []struct {
			args  []string
			says  string
			fails bool
		}{
			{[]string{"status", database}, "version none\npending 2", true},
			{[]string{"apply", "--dry-run", database}, "would apply 2", false},
			{[]string{"apply", "--dry-run", database}, "CREATE TABLE", false},
			{[]string{"status", database}, "version none\npending 2", true}, // as before
			{[]string{"apply", database}, "applied 2", false},
			{[]string{"apply", "--dry-run", database}, "nothing to do", false},
			{[]string{"apply", database}, "nothing to do", false},
			{[]string{"status", database}, ", by docket\n", false},
			{[]string{"apply", database, "--dir", dir}, "", true}, // without its checksum
			{[]string{"hash", "--dir", dir}, "", false},
			{[]string{"apply", "--dry-run", database, "--dir", dir}, "would apply 20990101000000_rooms.sql\nCREATE TABLE rooms (id bigint);", false},
			{[]string{"status", database, "--dir", dir}, "pending 20990101000000_rooms.sql\n", true},
			{[]string{"apply", database, "--dir", dir}, "applied 20990101000000_rooms.sql\n", false},
			{[]string{"status", database, "--dir", dir}, "version 20990101000000\n", false},
		} {
			out, err := migrates(t, step.args...)
			if !strings.Contains(out, step.says) || (err != nil) != step.fails {
				t.Errorf("%s %q: %v\n%s", name, step.args, err, out)
			}
		}
	}
}

// Who mistypes a database is told which setting it was.
func TestMigrateNamesTheDatabase(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"docket.db":                   "database: must be",
		"sqlite:///nowhere/docket.db": "database: sqlite:///nowhere/docket.db: unable to open",
	} {
		for _, command := range []string{"apply", "status"} {
			if _, err := migrates(t, command, "--database", url); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s of %s: %v, want %q", command, url, err, want)
			}
		}
	}
}

func TestMigrationsOfTheTree(t *testing.T) {
	pgtest.New(t, nil) // skips without PostgreSQL
	t.Parallel()
	dir := tree(t)
	check := func(fails, says string, args ...string) {
		t.Helper()
		out, err := migrates(t, append(args, "--dir", dir)...)
		if !strings.Contains(out, says) || (err == nil) != (fails == "") || err != nil && !strings.Contains(err.Error(), fails) {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
	check("", "", "diff", "--check")
	check("", "nothing to do", "diff", "add_rooms")
	check("", "both describe the same schema", "validate")
	check("", "", "lint", "--latest=9")

	files := func() []string {
		found, err := filepath.Glob(filepath.Join(dir, "*", "*.sql"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	writeFile(t, dir, "sqlite/20990101000000_drop.sql", "DROP VIEW client_providers;\nDROP TABLE reservations;\n")
	before := files()
	check("atlas.sum", "", "validate")
	check("", "", "hash")
	check("lint found 1", filepath.Join(dir, "sqlite", "20990101000000_drop.sql")+`:2: Dropping table "reservations" (DS102)`, "lint")
	check("do not describe the same", "only in "+filepath.Join(dir, "postgres")+": table reservations\n", "validate")
	check("do not lead to", filepath.Join(dir, "sqlite")+": lacks: CREATE TABLE `reservations`", "diff", "--check")
	if found := files(); len(found) != len(before) {
		t.Errorf("a check writes files: %q after %q", found, before)
	}
	check("", "sqlite: wrote 20990101000001_mend.sql", "diff", "mend")
	check("", "both describe the same schema", "validate")
}
