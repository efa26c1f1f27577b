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

// atlasCommand is the atlas command with atlas.hcl, on a folder of migrations and a
// database.
type atlasCommand struct {
	t             *testing.T
	program, path string
	url, name     string
	vars          []string
}

// newAtlas skips the test where the command was not built: .ci/atlas/try does.
func newAtlas(t *testing.T, name string) (*atlasCommand, migrate.Dir) {
	t.Helper()
	program := os.Getenv("DOCKET_ATLAS")
	if program == "" {
		program = filepath.Join("..", "..", "bin", "atlas")
		if _, err := os.Stat(program); err != nil {
			t.Skip("the atlas command is not built; .ci/atlas/try builds it")
		}
	}
	program, err := filepath.Abs(program)
	if err != nil {
		t.Fatal(err)
	}
	top := t.TempDir()
	path := filepath.Join(top, Folder(name))
	if err := os.CopyFS(path, os.DirFS(filepath.Join("..", "..", "migrations", Folder(name)))); err != nil {
		t.Fatal(err)
	}
	dir, err := Local(top, name)
	if err != nil {
		t.Fatal(err)
	}
	a := &atlasCommand{t: t, program: program, path: path, name: name, url: newURL(t, name)}
	if name == dialect.SQLite {
		a.vars = []string{"--var", "file=" + strings.TrimPrefix(a.url, "sqlite://")}
	} else {
		a.vars = []string{"--var", "url=" + a.url, "--var", "dev=" + newURL(t, name)}
	}
	return a, dir
}

// runs runs atlas migrate, and fails unless it exits as wanted and says so.
func (a *atlasCommand) runs(fails bool, says string, args ...string) {
	a.t.Helper()
	if !slices.Contains(args, "--env") {
		args = append(args, "--env", map[string]string{dialect.Postgres: "local", dialect.SQLite: "sqlite"}[a.name])
	}
	args = slices.Concat([]string{"migrate"}, args, []string{"--dir", "file://" + a.path}, a.vars)
	cmd := exec.CommandContext(a.t.Context(), a.program, args...)
	cmd.Dir = filepath.Join("..", "..")
	// For SQLite the command takes one lock for all databases, a temporary file.
	cmd.Env = append(os.Environ(), "ATLAS_NO_UPDATE_NOTIFIER=1", "DOCKET_DATABASE="+a.url, "TMPDIR="+a.t.TempDir())
	out, err := cmd.CombinedOutput()
	if (err != nil) != fails || !strings.Contains(string(out), says) {
		a.t.Errorf("atlas %s: %v\n%s", strings.Join(args[:2], " "), err, out)
	}
}

// The command and docket take turns, and agree each time on what is applied.
func TestAtlasTakesTurns(t *testing.T) {
	for _, docketFirst := range []bool{true, false} {
		t.Run(map[bool]string{true: "docket first", false: "atlas first"}[docketFirst], func(t *testing.T) {
			both(t, func(t *testing.T, name string) {
				a, dir := newAtlas(t, name)
				db := openDB(t, a.url)
				files, err := dir.Files()
				if err != nil {
					t.Fatal(err)
				}
				a.runs(false, "PENDING", "status")
				docket := docketFirst
				for i := range 2 {
					if i > 0 {
						add(t, dir, fmt.Sprintf("more_%d", i), fmt.Sprintf("CREATE TABLE more_%d (id integer);", i))
					}
					if docket {
						apply(t, db, dir)
					} else {
						a.runs(false, "sql statements", "apply")
					}
					docket = !docket
					if pending, err := Pending(t.Context(), db, dir); err != nil || len(pending) > 0 {
						t.Errorf("docket: %q pending, %v", pending, err)
					}
					a.runs(false, "No migration files to execute", "apply")
					a.runs(false, "Already at latest version", "status")
				}
				s, err := StatusOf(t.Context(), db, dir)
				if err != nil || len(s.Applied) != len(files)+1 {
					t.Errorf("%d files applied, %v", len(s.Applied), err)
				}
				if name == dialect.Postgres {
					a.runs(false, "Already at latest version", "status", "--env", "production")
				}
			})
		})
	}
}

// The command hashes as docket does, and its linter takes the directories.
func TestAtlasChecks(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		a, dir := newAtlas(t, name)
		before, err := os.ReadFile(filepath.Join(a.path, migrate.HashFileName))
		if err != nil {
			t.Fatal(err)
		}
		a.runs(false, "", "hash")
		after, err := os.ReadFile(filepath.Join(a.path, migrate.HashFileName))
		if err != nil || string(after) != string(before) {
			t.Errorf("atlas.sum was\n%s\nis\n%s\n%v", before, after, err)
		}
		a.runs(false, "", "validate")
		a.runs(false, "", "lint")
		if name == dialect.Postgres {
			tree := *a
			tree.path = filepath.Join("migrations", Folder(name))
			tree.runs(false, "", "lint", "--env", "ci", "--var", "base=HEAD")
		}
		add(t, dir, "drop", "DROP VIEW client_providers;\nDROP TABLE reservations;")
		a.runs(true, `Dropping table "reservations"`, "lint")
		if err := dir.WriteFile("20990101000000_late.sql", []byte("CREATE TABLE late (id integer);")); err != nil {
			t.Fatal(err)
		}
		a.runs(true, "checksum mismatch", "validate")
	})
}

// While docket applies, the command waits, and the other way round.
func TestAtlasWaits(t *testing.T) {
	t.Parallel()
	a, _ := newAtlas(t, dialect.Postgres)
	conn, err := openDB(t, a.url).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := prepare(t.Context(), conn, dialect.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	a.runs(true, "acquiring database lock", "apply", "--lock-timeout", "100ms")
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	a.runs(false, "sql statements", "apply")
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}
