package database

import (
	"net/url"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
)

// FuzzPassword puts a password of any kind, escaped or not, where one can stand
// in a database URL. Whatever is said of that URL, the password is not in it.
func FuzzPassword(f *testing.F) {
	const secret = "s3cr3t"
	for _, around := range []string{"", "123/", "/", "123#", "123?", "123@", "@", ":", "12:", "[", "]", "%", "%zz", "%2", "\\", "'", " ", "&", ";", "=", "\n", "é"} {
		for form := range uint8(4) {
			f.Add(form, "docket", around, "", "db/docket?sslmode=disable")
			f.Add(form, "", "", around, "localhost:1,localhost:2/d?sslmode=maybe&connect_timeout=x")
		}
	}
	f.Add(uint8(2), "", "", "", "db/d?sslmode=disable&a%3D'=b")
	f.Add(uint8(0), "u", "", "", "db/d?sslmode=disable&z+y=b")
	f.Fuzz(func(t *testing.T, form uint8, user, before, after, rest string) {
		if strings.Contains(user+rest, secret) {
			t.Skip() // that is not where a password stands
		}
		password := before + secret + after
		var raw string
		switch form % 4 {
		case 0:
			raw = "postgres://" + user + ":" + password + "@" + rest
		case 1:
			raw = "postgres://" + url.UserPassword(user, password).String() + "@" + rest
		case 2:
			raw = "postgres://" + rest + "&password=" + url.QueryEscape(password)
		case 3:
			raw = "postgresql://:" + password + "@" + rest
		}
		if strings.ContainsAny(user, "/?#") {
			t.Skip() // then it is no user
		}
		hides := func(what string) {
			if strings.Contains(what, secret) {
				t.Errorf("%q is told as %q", raw, what)
			}
		}
		_, dsn, err := parse(raw)
		if err != nil {
			hides(err.Error())
			return
		}
		hides(shown(raw))
		if _, err := pq.NewConnector(dsn); err != nil {
			hides(err.Error())
		}
	})
}

// FuzzURL takes any text for a database URL: it is refused, or means what it says.
// Of SQLite, the very file is opened that it names.
func FuzzURL(f *testing.F) {
	for _, text := range []string{
		"", "sqlite://", "sqlite://docket.db", "sqlite:///var/docket.db", "sqlite:////var/docket.db", "sqlite://../a b?c#d%20e", "sqlite://a\x00b",
		"sqlite://:memory:", "sqlite://?mode=memory", "sqlite://\xff", "SQLITE://x", "postgres://", "postgres://db/docket?sslmode=disable",
		"postgresql://u:p@[::1]:5432/d?sslmode=require&sslmode=disable", "postgres://h/d?sslmode=disable;x", "postgres://h/d?sslmode=disable&password=a;b",
		"postgres://h/d?sslmode=disable&a=%zz", "postgres://h/d?sslmode=disable#x", "postgres://%00/", "mysql://root@db/x", "postgres:db",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, dsn, err := parse(text)
		if err != nil {
			return
		}
		if name == dialect.SQLite {
			opens(t, strings.TrimPrefix(text, "sqlite://"), dsn)
			return
		}
		_, query, _ := strings.Cut(text, "?")
		query, _, _ = strings.Cut(query, "#")
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatalf("%q is %q: %v", text, dsn, err)
		}
		asked, err := url.ParseQuery(query)
		if err != nil {
			t.Fatalf("%q is accepted, although %v", text, err)
		}
		for name := range asked {
			if got := u.Query().Get(name); got != asked.Get(name) {
				t.Errorf("%q is %q, where %s is %q", text, dsn, name, got)
			}
		}
	})
}

// opens checks that SQLite reads the path out of its URI
// (https://www.sqlite.org/uri.html, 3.1: what is after %00 is passed over, what
// is between // and / names a machine).
func opens(t *testing.T, path, dsn string) {
	t.Helper()
	uri, _, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
	if rest, ok := strings.CutPrefix(uri, "//"); ok {
		machine, _, _ := strings.Cut(rest, "/")
		if uri = rest[len(machine):]; machine != "" {
			t.Errorf("%q is opened on the machine %q: %q", path, machine, dsn)
		}
	}
	if got, err := url.PathUnescape(uri); err != nil || got != path || strings.Contains(got, "\x00") {
		t.Errorf("%q is opened as %q, %v", path, got, err)
	}
}
