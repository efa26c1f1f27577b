// Package database opens what a database URL names.
package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"modernc.org/sqlite"

	"docket/ent/orm"
	_ "docket/ent/orm/runtime" // the hooks, validators and defaults of the schemas
	"docket/internal/overlap"
)

// DB is an open database.
type DB struct {
	*sql.DB
	Dialect    string // dialect.Postgres or dialect.SQLite
	shown      string // the URL without what is secret in it
	statements *Statements
}

// Open opens sqlite://PATH, or postgres://… with its sslmode given. It
// connects on first use. Observers are told of its statements.
func Open(rawURL string, told ...Observer) (*DB, error) {
	name, dsn, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	var connector driver.Connector = postgresConnector{dsn}
	if name == dialect.SQLite {
		connector = sqliteConnector{&sqlite.Driver{}, dsn}
	}
	db := sql.OpenDB(observed(connector, told))
	opened := &DB{db, name, shown(rawURL), prepares(db)}
	opened.bound()
	return opened, nil
}

// shown is the URL as it may be printed: drivers say what is wrong, but not
// with which database. A password can also be among the options.
func shown(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme == "sqlite" {
		return rawURL // a path, which need not be a URL
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// String is the URL without what is secret in it.
func (db *DB) String() string { return db.shown }

// Connect connects now instead of on first use, and names the database if that
// fails, or if its connections change hands.
func (db *DB) Connect(ctx context.Context) error {
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("%s: %w", db.shown, err)
	}
	if err := db.owned(ctx); err != nil {
		return fmt.Errorf("%s: %w", db.shown, err)
	}
	return nil
}

// ORM is the generated client on the database.
func (db *DB) ORM() *orm.Client {
	client := orm.NewClient(orm.Driver(db.Driver()))
	client.Use(overlap.Hook)
	return client
}

// Driver is the database as ent uses it, with its statements prepared.
func (db *DB) Driver() dialect.Driver {
	return preparing{entsql.NewDriver(db.Dialect, entsql.Conn{ExecQuerier: db.statements}), db}
}

// Check reports what is wrong with a database URL, without opening it.
func Check(rawURL string) error {
	_, _, err := parse(rawURL)
	return err
}

func parse(rawURL string) (name, dsn string, err error) {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	switch {
	case ok && scheme == "sqlite" && rest != "" && !strings.Contains(rest, "\x00"): // where SQLite would end the path
		return dialect.SQLite, sqliteDSN(rest), nil
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		u, err := postgresURL(rawURL)
		if err != nil {
			return "", "", fmt.Errorf("not a valid postgres URL; escape what has a meaning in one, such as / and @") // the cause would repeat the password
		}
		if u.Query().Get("sslmode") == "" {
			return "", "", fmt.Errorf("a postgres URL needs sslmode: verify-full, or disable on a trusted host")
		}
		return dialect.Postgres, postgresDSN(*u), nil
	}
	return "", "", fmt.Errorf("must be sqlite://PATH or postgres://USER@HOST/NAME?sslmode=…")
}

// postgresURL reads a URL of which nothing is passed over. A password with a
// slash in it may leave one that is valid: the rest of it would be the path, which
// is printed.
func postgresURL(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	if strings.Contains(u.EscapedPath(), "@") || u.Fragment != "" {
		return nil, errors.New("some of the password, or of an option, is elsewhere")
	}
	_, err = url.ParseQuery(u.RawQuery) // Query leaves out what it cannot read
	return u, err
}

// postgresDSN is the DSN of a PostgreSQL database. Times come as UTC. What is
// prepared is planned once and for all arguments: its cost is in what it reads,
// and which plan it has must not depend on who came first. A page read at random
// costs about as much as one in a row, as it does from memory or a solid disk;
// with PostgreSQL's default, made for disks that turn, reading a whole table
// seems cheaper than looking up a hundred of its rows. Connecting takes no longer
// than some seconds, lest those who wait for it take up the whole pool. No
// time-out is PostgreSQL's: one that strikes a commit which waits for a standby has
// it answered as if it were done. The URL can say otherwise.
func postgresDSN(u url.URL) string {
	q := u.Query()
	for name, value := range map[string]string{
		"timezone": "UTC", "plan_cache_mode": "force_generic_plan", "jit": "off", "random_page_cost": "1.1",
		"connect_timeout": "5", "statement_timeout": "0",
	} {
		if !q.Has(name) {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// sqliteDSN is the DSN of a SQLite file. Times are UTC text, so that comparing
// them as text is comparing them as instants; a transaction takes the write
// lock when it begins, so that it never has to give way in the middle. What a
// statement needs meanwhile is in memory: an image has no folder for it.
func sqliteDSN(path string) string {
	q := url.Values{
		"_pragma": {
			"foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "temp_store(memory)",
		},
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
	}
	scheme := "file:"
	if strings.HasPrefix(path, "/") {
		scheme = "file://" // on no other machine, as two slashes at the start of the path would say
	}
	return scheme + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}
