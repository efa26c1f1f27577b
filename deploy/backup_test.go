package deploy_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"docket/internal/database"
	"docket/internal/pgtest"
	"docket/internal/scalar"
)

// commands are those of a block of docs/backup.md, the nth under the heading.
func commands(t *testing.T, heading string, nth int) []string {
	t.Helper()
	_, section, found := strings.Cut(read(t, "../docs/backup.md"), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := regexp.MustCompile("(?s)```bash\n(.*?)```").FindAllStringSubmatch(section, -1)
	if !found || nth >= len(blocks) {
		t.Fatalf("docs/backup.md has no block %d of commands under %q", nth, heading)
	}
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(blocks[nth][1], "\\\n", "")), "\n")
}

// idle is for servers that are not told to stop while they are used.
const idle = "DOCKET_DRAIN=0s"

// vault is a PostgreSQL with deploy/backup's settings, and its backups.
type vault struct {
	*pgtest.Server
	config string
}

func newVault(t *testing.T) *vault {
	t.Helper()
	_, err := exec.LookPath("pgbackrest")
	need(t, "pgbackrest", err)
	dir, settings := shared(t), map[string]string{}
	v := &vault{config: filepath.Join(dir, "pgbackrest.conf")}
	for _, line := range regexp.MustCompile(`(?m)^(\w+) = '?(.*?)'?$`).FindAllStringSubmatch(read(t, "backup/postgresql.conf"), -1) {
		settings[line[1]] = strings.Replace(line[2], "pgbackrest ", "pgbackrest --config="+v.config+" ", 1)
	}
	v.Server = pgtest.NewArchiving(t, settings)
	// Beside the data, where its account may write; the log and the locks of this one only.
	own := v.Directory()
	text := replaced(t, read(t, "backup/pgbackrest.conf"), "repo1-path=/var/lib/pgbackrest", "repo1-path="+own+"/repo\nlock-path="+own+"/lock",
		"pg1-path=/var/lib/postgresql/15/main", "pg1-path="+v.Data(), "pg1-socket-path=/var/run/postgresql", "pg1-socket-path="+own)
	if err := os.WriteFile(v.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return v
}

// run runs commands as the account of PostgreSQL, with the changes.
func (v *vault) run(t *testing.T, all []string, oldNew ...string) (out string, err error) {
	t.Helper()
	for _, line := range all {
		line = replaced(t, line, append(oldNew, "pgbackrest ", "pgbackrest --config="+v.config+" ")...)
		said, failed := v.Command(t.Context(), "sh", "-c", line).CombinedOutput()
		out += string(said)
		if failed != nil {
			return out, fmt.Errorf("%s: %w\n%s", line, failed, said)
		}
	}
	return out, nil
}

func (v *vault) must(t *testing.T, all []string, oldNew ...string) string {
	t.Helper()
	out, err := v.run(t, all, oldNew...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// After a disaster, what was acknowledged before a moment is there again, by the
// commands of docs/backup.md, and what the disaster did is not.
func TestRestoreToAMoment(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	top := newTopologyOn(t, v.DSN("postgres"), 1, idle)
	db, err := database.Open(top.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	v.must(t, commands(t, "Set up", 0))
	var moment string
	known := map[string]bool{} // acknowledged before the moment
	all := bookers(t, top.url, 3, func() {
		time.Sleep(300 * time.Millisecond)
		v.must(t, commands(t, "Set up", 1))
		time.Sleep(300 * time.Millisecond) // of which the log alone knows
	})
	for _, b := range all {
		for _, id := range b.booked {
			known[id] = true
		}
	}
	if err := db.QueryRowContext(t.Context(), "SELECT clock_timestamp()::text").Scan(&moment); err != nil {
		t.Fatal(err)
	}
	later := bookers(t, top.url, 2, func() { time.Sleep(200 * time.Millisecond) })
	exec("DELETE FROM reservations") // by somebody who meant another database
	exec("SELECT pg_switch_wal()")
	within(t, "the log is archived", func() bool {
		var done bool
		err := db.QueryRowContext(t.Context(), "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM pg_stat_archiver").Scan(&done)
		return err == nil && done
	})
	restore := commands(t, "Restore to a moment", 0)
	oldNew := func(data string) []string {
		return []string{"/var/lib/postgresql/15/restored", data, "2026-11-24 15:00:00.000000+00", moment}
	}
	began := time.Now()
	restored, err := v.Recover(t.Context(), func(data string) error {
		_, err := v.run(t, restore, oldNew(data)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Stop()
	t.Logf("%d reservations restored in %v, of %d, %d and a disaster after the moment", len(known), time.Since(began), len(known), len(later[0].booked)+len(later[1].booked))
	after, err := database.Open(restored.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	rows, err := after.QueryContext(t.Context(), "SELECT id FROM reservations WHERE state = 'CONFIRMED'")
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
	if len(known) < 20 || !maps.Equal(found, known) {
		t.Errorf("of %d reservations that were acknowledged %d are there", len(known), len(found))
	}
	works(t, top, restored.DSN("postgres"))

	// Without a piece of the log that it needs, the restore says so.
	pieces, err := filepath.Glob(filepath.Join(v.Directory(), "repo", "archive", "docket", "*", "*", "*-*"))
	if err != nil || len(pieces) < 3 {
		t.Fatal(pieces, err)
	}
	slices.Sort(pieces)
	for _, piece := range pieces[len(pieces)-2:] {
		if err := os.Remove(piece); err != nil {
			t.Fatal(err)
		}
	}
	if damaged, err := v.Recover(t.Context(), func(data string) error {
		_, err := v.run(t, restore, oldNew(data)...)
		return err
	}); err == nil {
		damaged.Stop()
		t.Error("a gap in the log is not noticed")
	} else if !strings.Contains(err.Error(), "recovery ended before configured recovery target was reached") {
		t.Error(err)
	}
}

// works has docket check the restored database, and book on it.
func works(t *testing.T, top *topology, database string) {
	t.Helper()
	for _, line := range commands(t, "Restore to a moment", 1) {
		args := strings.Fields(strings.NewReplacer("$DOCKET_DATABASE", database, `"`, "").Replace(line))
		if args[1] == "serve" {
			continue // below
		}
		if out, err := top.Run(t, nil, args[1:]...); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	again := *top
	again.env = append(without(top.env, "DOCKET_DATABASE"), "DOCKET_DATABASE="+database)
	again.all = nil
	again.grow(t, 1)
	b := newBooker(t, "http://"+again.all[0].Address)
	for range 3 {
		if err := b.book(); err != nil {
			t.Error(b.failed)
		}
	}
}

func TestDump(t *testing.T) {
	t.Parallel()
	top := newTopologyOn(t, pgtest.New(t, nil), 1, idle)
	all := bookers(t, top.url, 2, func() { time.Sleep(200 * time.Millisecond) })
	booked, _, failed := top.counted(t, all)
	into := pgtest.New(t, nil)
	for _, line := range commands(t, "As SQL", 0) {
		cmd := exec.CommandContext(t.Context(), "bash", "-c", line)
		cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "DOCKET_DATABASE="+top.Database, "RESTORED="+into)
		cmd.Dir = top.root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	if out, err := top.Run(t, nil, "migrate", "status", "--database", into); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	dumped := *top
	dumped.Database = into
	if got, _, _ := dumped.counted(t, all); got != booked || booked == 0 || len(failed) > 0 {
		t.Errorf("%d of %d are in the dump", got, booked)
	}
	works(t, top, into)
}

func TestSQLiteBackup(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("sqlite3")
	need(t, "sqlite3", err)
	i := newImage(t)
	s := i.Serve(t, []string{"DOCKET_LISTEN=127.0.0.1:0", "DOCKET_DATABASE=" + i.Database, "DOCKET_ADVANCE_NOTICE=0s", "DOCKET_RATE_LIMIT=0", "DOCKET_RATE_LIMIT_ANONYMOUS=0"})
	dir := filepath.Dir(i.File())
	var before int
	all := bookers(t, "http://"+s.Address, 2, func() {
		time.Sleep(300 * time.Millisecond)
		for _, line := range commands(t, "SQLite", 0) {
			cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", line)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(line, "integrity") && strings.TrimSpace(string(out)) != "ok" {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
		}
	})
	db, err := database.Open("sqlite://" + filepath.Join(dir, "backup.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM reservations WHERE state = 'CONFIRMED'").Scan(&before); err != nil {
		t.Fatal(err)
	}
	booked := len(all[0].booked) + len(all[1].booked)
	if before == 0 || before > booked {
		t.Errorf("%d of %d are in the copy", before, booked)
	}
}
