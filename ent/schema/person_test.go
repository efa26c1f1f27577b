package schema_test

import (
	"strings"
	"testing"

	"docket/ent/orm"
	"docket/ent/orm/customer"
	"docket/ent/orm/provider"
	"docket/internal/database"
	"docket/internal/dbtest"
)

// names are what people may be called, and what not.
var names = map[string]struct {
	name string
	ok   bool
}{
	"nothing":                           {"", false},
	"a letter":                          {"X", true},
	"a multibyte letter":                {"Ø", true},
	"a character beyond 16 bits":        {"𠮷", true},
	"an emoji":                          {"👩", true},
	"100 letters":                       {strings.Repeat("x", 100), true},
	"101 letters":                       {strings.Repeat("x", 101), false},
	"100 multibyte letters":             {strings.Repeat("ß", 100), true},
	"101 multibyte letters":             {strings.Repeat("ß", 101), false},
	"100 emojis":                        {strings.Repeat("👩", 100), true},
	"101 emojis":                        {strings.Repeat("👩", 101), false},
	"an emoji of five characters, 20×":  {strings.Repeat("👩‍👩‍👧", 20), true},
	"an emoji of five characters, 21×":  {strings.Repeat("👩‍👩‍👧", 21), false},
	"letters with accents put on them":  {strings.Repeat("e\u0301", 50), true},
	"too many of those":                 {strings.Repeat("e\u0301", 51), false},
	"a space":                           {" ", false},
	"spaces":                            {strings.Repeat(" ", 100), false},
	"spaces of other kinds":             {"\u00a0\u2003\u3000", false},
	"a space within":                    {"Anna Maria", true},
	"spaces around":                     {" Anna ", true},
	"an apostrophe":                     {"O’Brien", true},
	"quotes":                            {`Robert'); DROP TABLE "clients";--`, true},
	"right to left":                     {"محمد", true},
	"a line break":                      {"Anna\nMaria", false},
	"a tab":                             {"Anna\tMaria", false},
	"a zero byte":                       {"Anna\x00", false},
	"an escape":                         {"\x1b[31mAnna", false},
	"delete":                            {"Anna\x7f", false},
	"a C1 control character":            {"Anna\u0085", false},
	"bytes that are no text":            {"Anna\xff", false},
	"half a character":                  {"Anna\xc3", false},
	"a character that replaces another": {"Anna\ufffd", false},
}

// Clients and providers obey the same rule, in both of their names, when they
// are made and when they change; what is accepted comes back as it was.
func TestNames(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		ofClient, ofProvider := b.client(t), b.provider(t)
		writes := map[string]func(name string) (stored string, err error){
			"a new client's given name": func(name string) (string, error) {
				c, err := b.Customer.Create().SetFirstName(name).SetLastName("x").Save(at(t, noon))
				if err != nil {
					return "", err
				}
				return b.Customer.Query().Where(customer.ID(c.ID)).Select(customer.FieldFirstName).String(at(t, noon))
			},
			"a client's new family name": func(name string) (string, error) {
				if err := b.Customer.UpdateOneID(ofClient).SetLastName(name).Exec(at(t, noon)); err != nil {
					return "", err
				}
				return b.Customer.Query().Where(customer.ID(ofClient)).Select(customer.FieldLastName).String(at(t, noon))
			},
			"a new provider's family name": func(name string) (string, error) {
				p, err := b.Provider.Create().SetFirstName("x").SetLastName(name).Save(at(t, noon))
				if err != nil {
					return "", err
				}
				return b.Provider.Query().Where(provider.ID(p.ID)).Select(provider.FieldLastName).String(at(t, noon))
			},
			"a provider's new given name": func(name string) (string, error) {
				if err := b.Provider.UpdateOneID(ofProvider).SetFirstName(name).Exec(at(t, noon)); err != nil {
					return "", err
				}
				return b.Provider.Query().Where(provider.ID(ofProvider)).Select(provider.FieldFirstName).String(at(t, noon))
			},
		}
		for what, tt := range names {
			for whose, write := range writes {
				stored, err := write(tt.name)
				switch {
				case tt.ok && (err != nil || stored != tt.name):
					t.Errorf("%s, %s: %q is stored as %q: %v", whose, what, tt.name, stored, err)
				case !tt.ok && !orm.IsValidationError(err):
					t.Errorf("%s, %s: %q came to %q and %v, want it refused", whose, what, tt.name, stored, err)
				}
			}
		}
	})
}

// The database holds the length, whoever writes.
func TestNamesInTheDatabase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, ok := range map[string]bool{
			"": false, "x": true, strings.Repeat("👩", 100): true, strings.Repeat("👩", 101): false, strings.Repeat("x", 101): false,
		} {
			for _, table := range []string{"clients", "providers"} {
				for _, columns := range []string{"first_name, last_name", "last_name, first_name"} {
					_, err := db.ExecContext(t.Context(), "INSERT INTO "+table+" (created_at, updated_at, "+columns+") VALUES ($1, $1, $2, 'x')", noon, name)
					if ok != (err == nil) {
						t.Errorf("%s of %s, %d bytes: %v", columns, table, len(name), err)
					}
				}
			}
		}
	})
}

func TestZones(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setup(t, db)
		for zone, ok := range map[string]bool{
			"UTC": true, "Europe/Berlin": true, "America/Argentina/Buenos_Aires": true, "Asia/Kathmandu": true, "Etc/GMT+5": true,
			"": false, "Local": false, "Europe": false, "Europe/Atlantis": false, "CET+1": false, "+01:00": false, "Berlin": false,
			" UTC": false, "../../etc/passwd": false, "/etc/localtime": false, `Europe\Berlin`: false,
		} {
			p, err := b.Provider.Create().SetFirstName("Pia").SetLastName("Provider").SetTimeZone(zone).Save(at(t, noon))
			switch {
			case ok && (err != nil || p.TimeZone != zone):
				t.Errorf("%q: %v, %v", zone, p, err)
			case !ok && !orm.IsValidationError(err):
				t.Errorf("%q: %v, want it refused", zone, err)
			}
		}
		if p, err := b.Provider.Get(at(t, noon), b.provider(t)); err != nil || p.TimeZone != "UTC" {
			t.Errorf("the default is %v: %v", p, err)
		}
	})
}
