package deploy_test

import (
	"flag"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"docket/bench/dataset"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/scalar"
)

var scale = flag.Int("scale", 0, "how many times 100,000 reservations there are to restore, beside the test's own")

// After a disaster, what was acknowledged before a moment is there again, by the
// commands of docs/backup.md, and nothing that was asked for after it, though
// clients book all the time.
func TestRestoreToAMoment(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	top := newTopologyOn(t, v.DSN("postgres"), 1, "DOCKET_DRAIN=0s")
	db := dbtest.At(t, top.Database)
	if *scale > 0 {
		fill(t, db)
	}
	v.must(t, commands(t, "Set up", 0, "/etc/pgbackrest", v.config))
	var (
		w             *witness
		moment        string
		before, after time.Time
	)
	all := bookers(t, top.url, 3, func() {
		more(t, db, 10)
		began := time.Now()
		v.must(t, commands(t, "Set up", 1))
		t.Logf("a full backup of %s in %v", scan[string](t, db, "SELECT pg_size_pretty(sum(pg_database_size(oid))) FROM pg_database"), time.Since(began).Round(100*time.Millisecond))
		more(t, db, 10)
		v.must(t, v.nightly(t))
		w = newWitness(t, top.url)
		more(t, db, 10) // of which the log alone knows
		before = time.Now()
		moment = scan[string](t, db, "SELECT clock_timestamp()::text")
		after = time.Now()
		if _, err := w.reserve("late", w.late); err != nil {
			t.Fatal(w.failed)
		}
		more(t, db, 10)
		execute(t, db, "DELETE FROM reservations") // by somebody who meant another database
		more(t, db, 5)
	})
	archived(t, db)
	began := time.Now()
	restored, err := v.beside(t, moment)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began).Round(100 * time.Millisecond)
	copied := dbtest.At(t, restored.DSN("postgres"))
	found := ids(t, copied, "SELECT id "+confirmed)
	known, lost := judged(t, all, found, before, after)
	t.Logf("%d reservations restored in %v, %d of them acknowledged before the moment, and %d after it are not there",
		scan[int](t, copied, "SELECT count(*) FROM reservations"), took, known, len(lost))
	for query, what := range map[string]string{
		"SELECT count(*) FROM changes WHERE action = 'DELETE'":                                                                              "deletes are in the trail",
		"SELECT count(*) FROM reservations r WHERE version <> (SELECT max(version) FROM changes WHERE row_id = r.id)":                       "reservations are not as the trail has them",
		"SELECT count(*) FROM changes c WHERE operation = 'reservationConfirm' AND NOT EXISTS (SELECT FROM reservations WHERE id = row_id)": "reservations of the trail are not there",
		"SELECT count(*) FROM (SELECT " + confirmed + " GROUP BY appointment_id HAVING count(*) > 1) twice":                                 "slots have two holders",
	} {
		if n := scan[int](t, copied, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	// The page has the old data tell who has lost something.
	told := ids(t, db, "SELECT row_id FROM ("+strings.Join(commands(t, "Restore to a moment", 2, someday, moment), " ")+") told")
	for id := range lost {
		if !told[id] {
			t.Errorf("nobody is told that the reservation %s is lost", id)
		}
	}
	if was, is := schema(t, v, top.Database), schema(t, v, restored.DSN("postgres")); was != is {
		t.Errorf("the schema was %s\nand is %s", was, is)
	}
	w.testifies(t, works(t, top, restored.DSN("postgres"), restored.DSN("postgres")))
	// pgBackRest would refuse it here, for its directory, but not on another machine.
	if mode := scan[string](t, copied, "SHOW archive_mode"); mode != "off" {
		t.Errorf("what is only looked at has archive_mode = %s", mode)
	}
	lostMachine(t, v, db)

	// To that moment again, though the log has another end by now.
	began = time.Now()
	last, err := v.instead(t, "Restore to a moment", " --target-timeline=current", someday, moment)
	if err != nil {
		t.Fatal(err)
	}
	v.must(t, commands(t, "Restore to a moment", 1), "DOCKET_DATABASE="+last.DSN("postgres"))
	t.Logf("restored, looked at and backed up in %v", time.Since(began).Round(100*time.Millisecond))
	if again := ids(t, dbtest.At(t, last.DSN("postgres")), "SELECT id "+confirmed); !maps.Equal(again, found) {
		t.Errorf("%d reservations are restored, and %d another time", len(found), len(again))
	}
	works(t, top, last.DSN("postgres"), last.DSN("postgres"))
	archived(t, dbtest.At(t, last.DSN("postgres")))
	v.must(t, v.nightly(t))
}

// fill fills the database with a data set, whose log is left out: the first backup is
// yet to come.
func fill(t *testing.T, db *database.DB) {
	t.Helper()
	execute(t, db, "ALTER SYSTEM SET archive_command = 'true'")
	execute(t, db, "SELECT pg_reload_conf()")
	if err := dataset.At(*scale).LoadPostgres(t.Context(), db.DB); err != nil {
		t.Fatal(err)
	}
	archived(t, db)
	execute(t, db, "ALTER SYSTEM RESET archive_command")
	execute(t, db, "SELECT pg_reload_conf()")
}

// judged holds what was found against what the clients were told, and returns how
// many reservations were acknowledged before the moment, and those asked for after.
func judged(t *testing.T, all []*booker, found map[string]bool, before, after time.Time) (known int, lost map[string]bool) {
	t.Helper()
	found, lost = maps.Clone(found), map[string]bool{}
	for _, b := range all {
		for i, id := range b.booked {
			asked := i > 0 && b.told[i-1].After(after)
			switch {
			case b.told[i].Before(before):
				known++
				if !found[id] {
					t.Errorf("the reservation %s was acknowledged before the moment, and is not there", id)
				}
			case asked:
				lost[id] = true
				if found[id] {
					t.Errorf("the reservation %s was asked for after the moment, and is there", id)
				}
			}
			delete(found, id)
		}
	}
	// Of each client one may have been under way when the rows went.
	if len(found) > len(all) {
		t.Errorf("nobody was told of %d reservations", len(found))
	}
	if known < 20 || len(lost) < 5 {
		t.Errorf("only %d reservations were made before the moment, and %d after it", known, len(lost))
	}
	return known, lost
}

// lostMachine restores all that was archived, the disaster included.
func lostMachine(t *testing.T, v *vault, db *database.DB) {
	t.Helper()
	restored, err := v.instead(t, "Restore after a machine is lost", "")
	if err != nil {
		t.Fatal(err)
	}
	was, is := ids(t, db, "SELECT id "+confirmed), ids(t, dbtest.At(t, restored.DSN("postgres")), "SELECT id "+confirmed)
	if len(was) == 0 || !maps.Equal(was, is) {
		t.Errorf("%d reservations were archived, %d are restored", len(was), len(is))
	}
}

// schema is that of a database as text.
func schema(t *testing.T, v *vault, url string) string {
	t.Helper()
	out := v.must(t, []string{`pg_dump --schema-only --restrict-key=same "$DOCKET_DATABASE"`}, "DOCKET_DATABASE="+url)
	if !strings.Contains(out, "reservations_slot_taken") {
		t.Errorf("a schema without its constraints: %s", out)
	}
	return out
}

// works has docket book on a restored database, under its rules, and returns where.
// seen is the URL for the test.
func works(t *testing.T, top *topology, url, seen string) (base string) {
	t.Helper()
	s := top.Serve(t, append(without(top.env, "DOCKET_DATABASE", "DOCKET_LISTEN", "DOCKET_ADMIN"), "DOCKET_DATABASE="+url, "DOCKET_LISTEN=127.0.0.1:0"))
	base = "http://" + s.Address
	b := newBooker(t, base)
	taken := scan[int](t, dbtest.At(t, seen), "SELECT max(appointment_id) FROM reservations WHERE state = 'CONFIRMED'")
	for range 3 {
		if err := b.book(); err != nil { // by ids that nobody has
			t.Error(b.failed)
		}
	}
	if _, err := b.id("reservationCreate", fmt.Sprintf("clientId: %q, appointmentId: %q", b.client, scalar.FormatID(taken)), "reservation"); err == nil || !strings.Contains(b.failed[0].text, "SLOT_TAKEN") {
		t.Errorf("a slot that is taken is given again: %v", b.failed)
	}
	return base
}
