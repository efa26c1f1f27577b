package deploy_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"docket/internal/dbtest"
	"docket/internal/pgtest"
	"docket/internal/programtest"
)

// bash runs commands in a folder.
func bash(t *testing.T, dir string, lines []string, env ...string) (out string, err error) {
	t.Helper()
	for _, line := range lines {
		cmd := exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", line)
		cmd.Dir, cmd.Env = dir, append(cmd.Environ(), env...)
		said, err := cmd.CombinedOutput()
		out += line + "\n" + string(said)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// A dump that is taken under load holds all that was acknowledged before it began.
func TestDump(t *testing.T) {
	t.Parallel()
	v := &vault{Server: pgtest.NewDurable(t), path: filepath.Dir(docket(t))} // whose pg_dump is of its version
	top := newTopologyOn(t, v.DSN("postgres"), 1, "DOCKET_DRAIN=0s")
	db := dbtest.At(t, top.Database)
	execute(t, db, "CREATE DATABASE restored")
	restored := v.DSN("restored")
	env := []string{"DOCKET_DATABASE=" + top.Database, "RESTORED=" + restored, "PATH=" + v.path + ":" + path(v.Command(t.Context(), "true").Env)}
	dir, lines := t.TempDir(), commands(t, "As SQL", 0)
	var before, after time.Time
	all := bookers(t, top.url, 2, func() {
		more(t, db, 25)
		before = time.Now()
		if out, err := bash(t, dir, lines[:1], env...); err != nil {
			t.Fatal(out, err)
		}
		after = time.Now()
		more(t, db, 10)
	})
	if out, err := bash(t, dir, lines[1:], env...); err != nil {
		t.Fatal(out, err)
	}
	judged(t, all, ids(t, dbtest.At(t, restored), "SELECT id "+confirmed), before, after)
	if was, is := schema(t, v, top.Database), schema(t, v, restored); was != is {
		t.Errorf("the schema was %s\nand is %s", was, is)
	}
	works(t, top, restored, restored)
	if _, err := bash(t, dir, lines[1:2], env...); err == nil {
		t.Error("a dump is restored over what is there")
	}
}

// A copy of SQLite's file that is taken under load holds all that was acknowledged
// before it began, and takes the file's place.
func TestSQLiteBackup(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("sqlite3")
	programtest.Need(t, "sqlite3", err)
	i := newImage(t)
	dir := filepath.Dir(i.File())
	env := []string{"DOCKET_LISTEN=127.0.0.1:0", "DOCKET_DATABASE=" + i.Database, "DOCKET_ADVANCE_NOTICE=0s", "DOCKET_RATE_LIMIT=0", "DOCKET_RATE_LIMIT_ANONYMOUS=0"}
	top := &topology{image: i, env: env}
	s := i.Serve(t, env)
	db := dbtest.At(t, "sqlite://"+i.File())
	var before, after time.Time
	all := bookers(t, "http://"+s.Address, 2, func() {
		more(t, db, 25)
		before = time.Now()
		if out, err := bash(t, dir, commands(t, "SQLite", 0)); err != nil {
			t.Fatal(out, err)
		}
		after = time.Now()
		more(t, db, 10)
	})
	top.all = []served{s}
	top.stop(t, s)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	damaged(t, dir)
	if out, err := bash(t, dir, commands(t, "SQLite", 1)); err != nil {
		t.Fatal(out, err)
	}
	if i.chroot {
		if out, err := bash(t, dir, []string{"chown 65534:65534 docket.db"}); err != nil {
			t.Fatal(out, err)
		}
	}
	restored := "sqlite://" + i.File()
	judged(t, all, ids(t, dbtest.At(t, restored), "SELECT id FROM reservations WHERE state = 'CONFIRMED'"), before, after)
	works(t, top, i.Database, restored)
}

// damaged spoils a copy, which the second command has to notice; and the first does
// not write over one that is there.
func damaged(t *testing.T, dir string) {
	t.Helper()
	lines := commands(t, "SQLite", 0, "backup.db", "other.db")
	if out, err := bash(t, dir, slices.Concat([]string{"cp backup.db other.db"}, lines[:1])); err == nil || !strings.Contains(out, "already exists") {
		t.Errorf("a copy is written over: %s", out)
	}
	if out, err := bash(t, dir, []string{"dd if=/dev/zero of=other.db bs=4096 seek=2 count=4 conv=notrunc status=none"}); err != nil {
		t.Fatal(out, err)
	}
	if out, err := bash(t, dir, lines[1:]); err == nil {
		t.Errorf("a damaged copy is taken for a good one: %s", out)
	}
}
