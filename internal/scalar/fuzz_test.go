package scalar_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"docket/internal/scalar"
)

// FuzzID reads any text as an id: what is one is written the same again, so that
// no row has two ids, and each is of a type.
func FuzzID(f *testing.F) {
	for _, text := range []string{
		"", "Q2xpZW50OjE=", "Q2xpZW50OjE", "Q2xpZW50OjE=\n", "Q2xp\r\nZW50OjE=", "Q2xpZW50OjF=", "Q2xpZW50OjAx", "Q2xpZW50OisxCg==",
		"Q2xpZW50Og==", "Q2xpZW50Oi0x", "Q2xpZW50OjQyOTQ5NjcyOTU=", "Q2xpZW50OjQyOTQ5NjcyOTY=", "OjE=", "Um9vbTox", "Q2xpZW50OjE6MQ==", "\x00\xff",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := scalar.ParseID(text)
		if err != nil {
			return
		}
		if again := scalar.FormatID(id); again != text {
			t.Errorf("%q is %d, which is %q", text, id, again)
		}
		if typ := scalar.TypeOf(id); typ == "" || id < scalar.FirstID(typ) {
			t.Errorf("%q is %d, of type %q", text, id, typ)
		}
	})
}

// FuzzNumber writes the id of every row that a database can hold, and reads it.
func FuzzNumber(f *testing.F) {
	for _, n := range []uint32{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		for r := range uint8(4) {
			f.Add(r, n)
		}
	}
	types := []string{"Appointment", "Client", "Provider", "Reservation"}
	f.Fuzz(func(t *testing.T, r uint8, n uint32) {
		typ := types[int(r)%len(types)]
		id := scalar.FirstID(typ) + int(n)
		text := scalar.FormatID(id)
		if got, err := scalar.ParseID(text); err != nil || got != id || scalar.TypeOf(id) != typ {
			t.Errorf("%s %d is %q, which is %d, %v", typ, id, text, got, err)
		}
	})
}

// FuzzTime reads any text as an instant: it is read to the microsecond, and
// written so that anybody reads the same from it.
func FuzzTime(f *testing.F) {
	for _, text := range []string{
		"2030-01-07T09:00:00Z", "2030-01-07T10:00:00+01:00", "2030-01-07T09:00:00.123456789Z", "2030-01-07T09:00:00,5Z", "2030-01-07T9:00:00Z",
		"0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "0000-12-31T23:59:59-00:01", "9998-12-31T23:59:59.999999999-15:00", "9999-12-31T23:59:59Z",
		"2030-02-29T00:00:00Z", "2028-02-29T24:00:00Z", "2016-12-31T23:59:60Z", "2030-01-07T09:00:00+15:00", "2030-01-07T09:00:00+24:00",
		"2030-01-07T09:00:00-00:00", "2030-01-07t09:00:00z", "2030-01-07 09:00:00Z", "", "\x00",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := scalar.UnmarshalTime(text)
		if err != nil {
			return
		}
		written := scalar.FormatTime(at)
		if again, err := time.Parse(time.RFC3339Nano, written); err != nil || !again.Equal(at) || len(written) > len("2030-01-07T09:00:00.123456Z") {
			t.Errorf("%q is written %q, which is %v, %v", text, written, again, err)
		}
		if again, err := scalar.UnmarshalTime(written); err != nil || again != at {
			t.Errorf("%q, written by us, is %v, %v", written, again, err)
		}
		if meant, err := time.Parse(time.RFC3339Nano, text); err != nil || meant.Sub(at) < 0 || meant.Sub(at) >= time.Microsecond {
			t.Errorf("%q is %v, which was read as %v", text, meant, at)
		}
	})
}

// FuzzStored takes anything for what a database wrote: it is an instant, written
// in time zone UTC, or an error.
func FuzzStored(f *testing.F) {
	for _, text := range []string{
		"2030-01-07 09:00:00+00", "2030-01-07 09:00:00.5+00:00", "2030-01-07 09:00:00.123456+00:00", "2030-01-07 09:00:00+01", "infinity", "-infinity",
		"0001-01-01 00:00:00+00 BC", "12030-01-07 09:00:00+00", "2030-01-07T09:00:00Z", "+00", "2030-01-07 +00", "2030-01-07 09:00:00+", "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := scalar.ParseStored(text)
		if err != nil {
			return
		}
		written, err := scalar.AppendStored([]byte("x"), text)
		if err != nil || !bytes.HasPrefix(written, []byte("x")) {
			t.Fatalf("%q is %v, but is written as %q, %v", text, at, written, err)
		}
		if again, err := time.Parse(time.RFC3339Nano, string(written[1:])); err != nil || !again.Equal(at) {
			t.Errorf("%q is written %q, which is %v, %v", text, written, again, err)
		}
	})
}

// FuzzString writes any string as JSON: encoding/json reads the same from it,
// with U+FFFD for what is not Unicode. What may be stored comes back as it was.
func FuzzString(f *testing.F) {
	for _, s := range []string{
		"", "Ada", `"\`, "\x00\x01\x1f\x7f", "\b\f\n\r\t", "\u2028\u2029", "<script>&amp;", "Zoë", "𝒳", "\xff", "a\xc3", "\xed\xa0\x80", "\uFFFD", "\U0010FFFF",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		written := scalar.AppendString([]byte("x"), s)
		var again string
		if err := json.Unmarshal(written[1:], &again); err != nil || written[0] != 'x' || !utf8.Valid(written) {
			t.Fatalf("%q is written %q: %v", s, written, err)
		}
		if want := string([]rune(s)); again != want {
			t.Errorf("%q is read as %q, want %q", s, again, want)
		}
		kept, err := scalar.UnmarshalString(s)
		if clean := utf8.ValidString(s) && !strings.ContainsAny(s, "\x00\uFFFD"); clean != (err == nil) || err == nil && (kept != s || again != s) {
			t.Errorf("%q is taken as %q, %v, and read as %q", s, kept, err, again)
		}
	})
}
