package planner

import (
	"strconv"
	"testing"
	"time"
)

func sealer(t testing.TB, secret string) *Cursors {
	t.Helper()
	c, err := NewCursors([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// FuzzCursor takes any text for a cursor: it is refused, or is what a server
// with this secret would give for the same position.
func FuzzCursor(f *testing.F) {
	c := sealer(f, "sixteen bytes or more")
	good := string(c.seal(nil, "clients by LAST_NAME", "4294967297", false, "Nowak"))
	for _, text := range []string{
		good, good + "\n", good[:8] + "\r\n" + good[8:], good + "=", good[:len(good)-1], good[1:], good + good, "", "A", "garbage", "\x00\xff",
		string(c.seal(nil, "clients by LAST_NAME", "x", false, "")), string(c.seal(nil, "clients by LAST_NAME", "", true, "")),
		string(sealer(f, "sixteen other bytes").seal(nil, "clients by LAST_NAME", "4294967297", false, "Nowak")),
	} {
		f.Add(text, "clients by LAST_NAME", uint8(Text))
		f.Add(text, "clients by FIRST_NAME", uint8(Time))
	}
	f.Fuzz(func(t *testing.T, text, scope string, kind uint8) {
		p, err := c.open(text, scope, Kind(kind))
		if err != nil {
			return
		}
		key, _ := p.key.(string)
		if _, isText := p.key.(string); !isText && !p.null {
			t.Skip() // FuzzPosition has other kinds
		}
		if again := string(c.seal(nil, scope, strconv.FormatInt(p.id, 10), p.null, key)); again != text {
			t.Errorf("%q is a cursor of %+v, whose cursor is %q", text, p, again)
		}
	})
}

// FuzzPosition seals any position: it comes back whole, fits no other order, and
// cannot be altered anywhere.
func FuzzPosition(f *testing.F) {
	f.Add("clients by LAST_NAME", int64(4294967297), false, "Nowak", 0, uint8(1))
	f.Add("", int64(-1), true, "", 12, uint8(255))
	f.Add("=", int64(0), false, "=", 30, uint8(128))
	f.Add("a\x00b", int64(1), false, "\xff\x00", 5, uint8('\n'))
	f.Fuzz(func(t *testing.T, scope string, id int64, null bool, key string, at int, change uint8) {
		c := sealer(t, "sixteen bytes or more")
		text := c.seal([]byte("x"), scope, strconv.FormatInt(id, 10), null, key)[1:]
		want := position{id: id, null: null}
		if !null {
			want.key = key
		}
		if p, err := c.open(string(text), scope, Text); err != nil || *p != want {
			t.Fatalf("the cursor of %+v is that of %+v, %v", want, p, err)
		}
		if p, err := c.open(string(text), scope+" ", Text); err == nil {
			t.Errorf("the cursor of %+v fits another order: %+v", want, p)
		}
		at = int(uint(at) % uint(len(text)))
		before := text[at]
		for name, altered := range map[string]string{
			"changed": string(text[:at]) + string(rune(before^change)) + string(text[at+1:]),
			"grown":   string(text[:at]) + string([]byte{change}) + string(text[at:]),
			"cut":     string(text[:at]),
		} {
			if p, err := c.open(altered, scope, Text); err == nil && altered != string(text) {
				t.Errorf("%q, %s at %d to %q, is a cursor of %+v", text, name, at, altered, p)
			}
		}
	})
}

// FuzzKey reads any text as the value that a cursor holds, which the database
// wrote: it is a value of its kind, or an error.
func FuzzKey(f *testing.F) {
	for _, text := range []string{"", "1", "-9223372036854775809", "NaN", "1e999", "true", "2030-01-07T09:00:00.5Z", "\x00"} {
		for kind := range uint8(8) {
			f.Add(kind, text)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		v, err := argument(Kind(kind), text)
		if err != nil {
			return
		}
		ok := false
		switch Kind(kind) {
		case ID, Int:
			_, ok = v.(int64)
		case Float:
			_, ok = v.(float64)
		case Bool:
			_, ok = v.(bool)
		case Time:
			_, ok = v.(time.Time)
		default:
			ok = v == text
		}
		if !ok {
			t.Errorf("%q as %v is %#v", text, Kind(kind), v)
		}
	})
}
