package pgtest

import (
	"syscall"
	"testing"
)

// What a durable server has acknowledged, it has after a crash.
func TestDurableServerRecovers(t *testing.T) {
	t.Parallel()
	s := NewDurable(t)
	if err := s.CreateDatabase(t.Context(), "notes"); err != nil {
		t.Fatal(err)
	}
	if err := notes(t.Context(), s.DSN("notes")); err != nil {
		t.Fatal(err)
	}
	db := open(t, s.DSN("notes"))
	for i, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGQUIT} {
		if _, err := db.ExecContext(t.Context(), "INSERT INTO notes VALUES ($1)", signal.String()); err != nil {
			t.Fatal(err)
		}
		if err := s.Crash(signal); err != nil {
			t.Fatal(err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, open(t, s.DSN("notes")), "SELECT count(*) FROM notes"); n != i+1 {
			t.Errorf("%v left %d notes of %d", signal, n, i+1)
		}
		db = open(t, s.DSN("notes"))
	}
}
