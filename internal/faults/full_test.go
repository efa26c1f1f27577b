package faults_test

import (
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"docket/internal/dbtest"
	"docket/internal/pgtest"
)

// The disk of a SQLite file is full for a while.
func TestDiskFullSQLite(t *testing.T) {
	t.Parallel()
	rounds(t, func(t *testing.T, chance *rand.Rand) {
		d := smallDisk(t, 16)
		url := "sqlite://" + filepath.Join(d.path, "docket.db")
		s := serve(t, url)
		l := newLoad(t, s, chance, 4)
		l.fullFor(t, func() { d.fill(t) }, func() { d.free(t) })
		db := dbtest.At(t, url)
		l.balanced(t, db)
		_ = db.Close() // it is on the disk
	})
}

// A SQLite file may not grow for a while. That is possible wherever a process
// can be limited from outside.
func TestFileFullSQLite(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("prlimit"); err != nil {
		t.Skip(err)
	}
	rounds(t, func(t *testing.T, chance *rand.Rand) {
		file := filepath.Join(t.TempDir(), "docket.db")
		s := serve(t, "sqlite://"+file)
		l := newLoad(t, s, chance, 4)
		limit := func(bytes string) {
			out, err := exec.CommandContext(t.Context(), "prlimit", "--pid", strconv.Itoa(s.pid()), "--fsize="+bytes+":").CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		// No byte from the middle of the first page on, be it in the log that
		// SQLite writes ahead or, after a checkpoint, in the file itself.
		l.fullFor(t, func() { limit("1000") }, func() { limit("unlimited") })
		l.balanced(t, dbtest.At(t, "sqlite://"+file))
	})
}

// The disk of PostgreSQL's tables is full for a while.
func TestDiskFullPostgres(t *testing.T) {
	t.Parallel()
	d := smallDisk(t, 32)
	server := pgtest.NewDurable(t)
	d.tablespace(t, server)
	rounds(t, func(t *testing.T, chance *rand.Rand) {
		name := fresh(t, server)
		admin := dbtest.At(t, server.DSN("postgres"))
		if _, err := admin.ExecContext(t.Context(), `ALTER DATABASE "`+name+`" SET TABLESPACE small`); err != nil {
			t.Fatal(err)
		}
		l := newLoad(t, serve(t, server.DSN(name)), chance, 6)
		l.fullFor(t, func() { d.fill(t) }, func() { d.free(t) })
		l.balanced(t, dbtest.At(t, server.DSN(name)))
	})
}

// fullFor has no room for the load until writes are refused, and then some.
// Reads have to go on meanwhile, and writes afterwards.
func (l *load) fullFor(t *testing.T, fill, free func()) {
	t.Helper()
	l.while(t, func() { time.Sleep(200 * time.Millisecond) })
	before := make([]int, len(l.callers))
	for i, c := range l.callers {
		before[i] = len(c.journal)
	}
	fill()
	fault(t)
	l.while(t, func() {
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
			l.callers[0].answered(t)
			time.Sleep(20 * time.Millisecond)
		}
	})
	denied := 0
	for i, c := range l.callers {
		for _, o := range c.journal[before[i]:] {
			if o.code == "UNAVAILABLE" {
				denied++
			}
		}
	}
	if denied == 0 {
		t.Error("nothing was denied for want of room")
	}
	free()
	l.settled(t)
}
