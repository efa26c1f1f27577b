package database_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, wherever they run

	"entgo.io/ent/dialect"

	"docket/ent/orm"
	"docket/ent/orm/appointment"
	"docket/ent/orm/predicate"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/viewer"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(url)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func TestURLs(t *testing.T) {
	t.Parallel()
	const accepted, secret = "", "s3cr3t"
	tests := map[string]struct{ url, wrong string }{
		"a relative file":             {"sqlite://docket.db", accepted},
		"an absolute file":            {"sqlite:///var/lib/docket/docket.db", accepted},
		"a file with a query of ours": {"sqlite://docket.db?mode=ro", accepted}, // it is part of the name
		"postgres":                    {"postgres://docket@db/docket?sslmode=verify-full", accepted},
		"postgresql":                  {"postgresql://docket@db/docket?sslmode=disable", accepted},
		"a socket":                    {"postgres://docket@/docket?host=%2Frun%2Fpostgresql&sslmode=disable", accepted},
		"a password":                  {"postgres://docket:" + secret + "@db/docket?sslmode=require", accepted},

		"nothing":                   {"", "sqlite://PATH or postgres://"},
		"a path":                    {"docket.db", "sqlite://PATH or postgres://"},
		"no file":                   {"sqlite://", "sqlite://PATH or postgres://"},
		"one slash":                 {"sqlite:/docket.db", "sqlite://PATH or postgres://"},
		"sqlite3":                   {"sqlite3://docket.db", "sqlite://PATH or postgres://"},
		"capitals":                  {"SQLITE://docket.db", "sqlite://PATH or postgres://"},
		"another database":          {"mysql://root:" + secret + "@db/docket", "sqlite://PATH or postgres://"},
		"a keyword string":          {"host=db password=" + secret, "sqlite://PATH or postgres://"},
		"no sslmode":                {"postgres://docket:" + secret + "@db/docket", "sslmode"},
		"an empty sslmode":          {"postgres://docket:" + secret + "@db/docket?sslmode=", "sslmode"},
		"no port":                   {"postgres://docket:" + secret + "@db:port/docket?sslmode=disable", "not a valid postgres URL"},
		"a bad escape":              {"postgres://docket:" + secret + "%zz@db/docket?sslmode=disable", "not a valid postgres URL"},
		"a password with a slash":   {"postgres://docket:" + secret + "/x@db/docket?sslmode=disable", "not a valid postgres URL"},
		"a password with a bracket": {"postgres://docket:" + secret + "[@db/docket?sslmode=disable", "not a valid postgres URL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := database.Check(tt.url)
			_, openErr := opened(tt.url)
			if (err == nil) != (openErr == nil) {
				t.Errorf("Check says %v, Open %v", err, openErr)
			}
			switch {
			case err == nil && tt.wrong != accepted:
				t.Errorf("accepted, want an error with %q", tt.wrong)
			case err != nil && (tt.wrong == accepted || !strings.Contains(err.Error(), tt.wrong)):
				t.Errorf("got %q, want %q", err, tt.wrong)
			case err != nil && strings.Contains(err.Error()+openErr.Error(), secret):
				t.Errorf("%q gives the password away", err)
			}
		})
	}
}

// Nor does an error give it away that comes later, from connecting.
func TestConnectingKeepsThePassword(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	for name, url := range map[string]string{
		"nobody there":           "postgres://docket:" + secret + "@localhost:1/docket?sslmode=disable",
		"no socket":              "postgres://docket:" + secret + "@/docket?host=%2Fnowhere&sslmode=disable",
		"among the options":      "postgres://docket@localhost:1/docket?sslmode=disable&password=" + secret,
		"no such sslmode":        "postgres://docket:" + secret + "@localhost:1/docket?sslmode=maybe",
		"an option nobody knows": "postgres://docket:" + secret + "@localhost:1/docket?sslmode=disable&connect_timeout=soon",
		"no certificate":         "postgres://docket:" + secret + "@localhost:1/docket?sslmode=verify-full&sslrootcert=%2Fnowhere",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := open(t, url).Connect(t.Context()); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// opened opens a database, which does not connect yet, and closes it.
func opened(url string) (string, error) {
	db, err := database.Open(url)
	if err != nil {
		return "", err
	}
	return db.Dialect, db.Close()
}

func TestDialects(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"sqlite://docket.db":                   dialect.SQLite,
		"postgres://db/docket?sslmode=require": dialect.Postgres,
	} {
		if got, err := opened(url); err != nil || got != want {
			t.Errorf("%s is for %q: %v, want %q", url, got, err, want)
		}
	}
	if _, err := os.Stat("docket.db"); err == nil {
		t.Error("Open made a file, although nothing was asked of the database")
	}
}

// A path is a path: nothing in it is taken for a part of a URL.
func TestSQLitePaths(t *testing.T) {
	t.Parallel()
	names := []string{
		"plain.db", "with space.db", "what?.db", "mode=ro?mode=ro", "100%.db", "%41.db", "%zz.db", "a#b.db", "a&b=c.db", "ümläut ☃.db",
		"+plus.db", "semi;colon.db", "col:on.db", "'quote'.db", `"double".db`, `back\slash.db`,
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			db := open(t, "sqlite://"+filepath.Join(dir, name))
			_, err := db.ExecContext(t.Context(), "CREATE TABLE notes (body text)")
			must(t, err)
			must(t, db.Close())
			entries, err := os.ReadDir(dir)
			must(t, err)
			if len(entries) != 1 || entries[0].Name() != name {
				t.Errorf("the directory holds %v, want %q alone", entries, name)
			}
		})
	}
}

func TestSQLiteRelativePaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"docket.db", "./dotted.db", "col:on.db", "file:docket"} {
		db := open(t, "sqlite://"+name)
		_, err := db.ExecContext(t.Context(), "CREATE TABLE notes (body text)")
		must(t, err)
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

// Every connection of the pool is set up alike.
func TestSQLitePragmas(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	for range 3 {
		conn, err := db.Conn(t.Context())
		must(t, err)
		defer conn.Close()
		for pragma, want := range map[string]string{
			"foreign_keys": "1", "journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000", "temp_store": "2",
		} {
			var got string
			must(t, conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
			if got != want {
				t.Errorf("%s is %s, want %s", pragma, got, want)
			}
		}
	}
}

// A transaction has the write lock from its beginning, so that what it read
// stays true until it writes.
func TestSQLiteTransactionsWriteOneAfterTheOther(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t, dialect.SQLite)
	db, other := open(t, url), open(t, url)
	tx, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { must(t, tx.Rollback()) }()
	other.SetMaxOpenConns(1)
	_, err = other.ExecContext(t.Context(), "PRAGMA busy_timeout = 0")
	must(t, err)
	if late, err := other.BeginTx(t.Context(), nil); err == nil {
		must(t, late.Rollback())
		t.Error("two transactions at once")
	}
	var n int // reading goes on
	must(t, other.QueryRowContext(t.Context(), "SELECT count(*) FROM clients").Scan(&n))
}

func TestForeignKeys(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		noon := time.Date(2030, time.May, 6, 12, 0, 0, 0, time.UTC)
		ctx := booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: noon})
		client := db.ORM()
		err := client.Appointment.Create().SetProviderID(4711).SetTimeSlot(noon).SetEndsAt(noon.Add(time.Hour)).Exec(ctx)
		if !orm.IsConstraintError(err) {
			t.Errorf("an appointment of nobody: %v", err)
		}
		p, err := client.Provider.Create().SetFirstName("Pia").SetLastName("Provider").Save(ctx)
		must(t, err)
		must(t, client.Appointment.Create().SetProviderID(p.ID).SetTimeSlot(noon).SetEndsAt(noon.Add(time.Hour)).Exec(ctx))
		must(t, client.Provider.DeleteOne(p).Exec(ctx))
		if n, err := client.Appointment.Query().Count(ctx); err != nil || n != 0 {
			t.Errorf("%d appointments outlive their provider: %v", n, err)
		}
	})
}

// instants are in order, and in zones in whose clocks they are not: text that
// is not in UTC would compare otherwise.
func instants(t *testing.T) (all []time.Time) {
	t.Helper()
	zones := []*time.Location{time.UTC, time.FixedZone("east", 14*3600), time.FixedZone("west", -12*3600)}
	for _, name := range []string{"Europe/Berlin", "Asia/Kathmandu", "America/New_York"} {
		z, err := time.LoadLocation(name)
		must(t, err)
		zones = append(zones, z)
	}
	// Two o'clock comes twice in Berlin that night.
	at := time.Date(2026, time.October, 25, 0, 59, 59, 0, time.UTC)
	for i, step := range []time.Duration{
		0, 1, 9, 10, 99, 100, 101, 999, 1000, 1001, 9999, 10000, 99999, 100000, 100001, 500000, 900000, 999999,
		1000000, 1000001, 1100000, 2000000, 3600e6, 3600e6 + 1, 7200e6, 86400e6,
	} {
		all = append(all, at.Add(step*time.Microsecond).In(zones[i%len(zones)]))
	}
	return all
}

// What is written is what is read, and compares as it should: times are
// instants, however the database keeps them.
func TestTimesAreInstants(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		all := instants(t)
		ctx := booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: all[0]})
		client := db.ORM()
		written := slices.Clone(all)
		by := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // only so that the rows are in no order
		by.Shuffle(len(written), func(i, j int) { written[i], written[j] = written[j], written[i] })
		for _, at := range written {
			p, err := client.Provider.Create().SetFirstName("Pia").SetLastName("Provider").Save(ctx)
			must(t, err)
			must(t, client.Appointment.Create().SetProviderID(p.ID).SetTimeSlot(at).SetEndsAt(at.Add(time.Hour)).Exec(ctx))
		}
		read, err := client.Appointment.Query().Order(appointment.ByTimeSlot()).All(ctx)
		must(t, err)
		if len(read) != len(all) {
			t.Fatalf("%d rows, want %d", len(read), len(all))
		}
		for i, at := range all {
			if got := read[i].TimeSlot; !got.Equal(at) {
				t.Errorf("in their order, row %d is at %v, want %v", i, got, at)
			}
			// The argument is in yet another zone.
			arg := at.In(time.FixedZone("elsewhere", 7*3600+1800))
			count := func(where predicate.Appointment) int {
				n, err := client.Appointment.Query().Where(where).Count(ctx)
				must(t, err)
				return n
			}
			before, same := count(appointment.TimeSlotLT(arg)), count(appointment.TimeSlot(arg))
			if before != i || same != 1 {
				t.Errorf("%d rows are before %v and %d at it, want %d and 1", before, at, same, i)
			}
		}
	})
}

// SQLite keeps text; its order must be that of the instants.
func TestSQLiteTextIsInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	var last string
	for _, at := range instants(t) {
		var text string
		must(t, db.QueryRowContext(t.Context(), "SELECT CAST(? AS text)", at).Scan(&text))
		if !strings.HasSuffix(text, "+00:00") {
			t.Errorf("%v is kept as %q, want UTC", at, text)
		}
		if text <= last {
			t.Errorf("%q is not after %q", text, last)
		}
		last = text
	}
}

// Servers that find no file, and make it at once, do not get in each other's way.
func TestSQLiteOpensAtOnce(t *testing.T) {
	t.Parallel()
	for range 10 {
		url := "sqlite://" + filepath.Join(t.TempDir(), "new.db")
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				db, err := database.Open(url)
				if err == nil {
					err = errors.Join(db.Connect(t.Context()), db.Close())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}
