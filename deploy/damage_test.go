package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"docket/internal/dbtest"
)

// What is wrong with backups is said by the commands of the page before they are
// needed.
func TestBackupMistakes(t *testing.T) {
	t.Parallel()
	t.Run("nothing is archived", func(t *testing.T) {
		t.Parallel()
		v := newVault(t, "--stanza=docket archive-push", "--stanza=dokcet archive-push")
		setUp := commands(t, "Set up", 0, "/etc/pgbackrest", v.config, " check", " --archive-timeout=2 check")
		_, err := v.run(t, setUp)
		refused(t, err, " check:", "was not archived before the 2000ms timeout")
	})
	t.Run("an option is misspelt", func(t *testing.T) {
		t.Parallel()
		v := newVault(t, "repo1-retention-full=2", "repo1-retention-ful=2")
		_, err := v.run(t, commands(t, "Set up", 0, "/etc/pgbackrest", v.config))
		refused(t, err, "invalid option 'repo1-retention-ful'")
	})
}

// What is stored and then lost, damaged or grown old is noticed, each by one of the
// commands of each night, and by a restore.
func TestBackupDamage(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	db := dbtest.At(t, v.DSN("postgres"))
	v.setUp(t)
	backedUp := time.Now()
	for range 3 {
		execute(t, db, "CREATE TABLE IF NOT EXISTS people AS SELECT 'Somebody Whoever' AS name FROM generate_series(1, 1000)")
		execute(t, db, "INSERT INTO people SELECT * FROM people")
		archived(t, db)
	}
	time.Sleep(time.Until(backedUp.Add(2 * time.Second))) // it takes a backup from a second before the moment
	moment := scan[string](t, db, "SELECT clock_timestamp()::text")
	execute(t, db, "DROP TABLE people")
	archived(t, db)
	nightly := v.nightly(t)
	v.must(t, nightly[1:])
	kept := func(file string) (put func()) {
		content := read(t, file)
		return func() {
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	spoil := func(file string) {
		content := []byte(read(t, file))
		content[len(content)/2] ^= 1
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pieces := glob(t, v.repo(), "archive", "docket", "*", "*", "*-*")
	bundles := glob(t, v.repo(), "backup", "docket", "*F", "bundle", "*")
	for _, file := range append(pieces, bundles...) {
		if strings.Contains(read(t, file), "Somebody") {
			t.Errorf("%s can be read by anybody", file)
		}
	}
	piece := pieces[len(pieces)-2] // not the last: it may be under way yet
	put := kept(piece)
	spoil(piece)
	_, err := v.run(t, nightly[1:2])
	refused(t, err, "what is stored is damaged")
	if err := os.Remove(piece); err != nil {
		t.Fatal(err)
	}
	_, err = v.run(t, nightly[1:2])
	refused(t, err, "pieces of the log are missing, on the timeline 00000001")
	if damaged, err := v.beside(t, moment); err == nil {
		t.Errorf("a gap in the log is not noticed: %s", damaged.Data())
	} else {
		refused(t, err, "recovery ended before configured recovery target was reached")
	}
	put()
	v.must(t, nightly[1:])
	put = kept(bundles[0])
	spoil(bundles[0])
	_, err = v.run(t, nightly[1:2])
	refused(t, err, "what is stored is damaged", "checksum invalid: 1")
	put()
	_, err = v.run(t, []string{replaced(t, nightly[2], "--retention-age=26h", "--retention-age=1s")})
	refused(t, err, "backups are too old")
	good, err := v.beside(t, moment)
	if err != nil {
		t.Fatal(err)
	}
	if n := scan[int](t, dbtest.At(t, good.DSN("postgres")), "SELECT count(*) FROM people"); n != 8000 {
		t.Errorf("%d people are restored, of 8000", n)
	}
}

func glob(t *testing.T, parts ...string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(parts...))
	if err != nil || len(found) == 0 {
		t.Fatal(parts, err)
	}
	return found
}
