package overlap

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// FuzzDetail takes any text for what PostgreSQL says of a conflict: what is read
// from it is a key that stands there, or nothing.
func FuzzDetail(f *testing.F) {
	for _, detail := range []string{
		`Key ((provider_id + 0), tstzrange(time_slot, ends_at))=(1, ["a","b")) conflicts with existing key ((provider_id + 0), tstzrange(time_slot, ends_at))=(8589934594, ["2030-05-07 13:00:00+00","2030-05-07 13:15:00+00")).`,
		`conflicts with existing key (a)=(2, [,)).`, `conflicts with existing key (a)=(2, empty).`, `conflicts with existing key (a)=(9223372036854775808, ["a","b")).`,
		`conflicts with existing key (a)=(-0, ["a","b"), ["c",)).`, `conflicts with existing key (a)=(1`, `conflicts with existing key )=(`, "", "\x00\xff",
	} {
		f.Add(detail)
	}
	f.Fuzz(func(t *testing.T, detail string) {
		key := existing(detail)
		if len(key) == 0 {
			return
		}
		if _, ok := key[0].(int); !ok {
			t.Errorf("%q is about %#v, which is no id", detail, key[0])
		}
		for _, span := range key[1:] {
			if text, ok := span.(string); !ok || !strings.Contains(detail, text) {
				t.Errorf("%q has no range %#v", detail, span)
			}
		}
	})
}

// FuzzExisting has PostgreSQL speak of any row: that row is found, whatever the
// one that was refused has in it.
func FuzzExisting(f *testing.F) {
	f.Add(8589934594, "2030-05-07 13:00:00+00", "2030-05-07 13:15:00+00", "2030-05-07 12:00:00+00", 1)
	f.Add(-1, "0001-01-01 00:00:00+00 BC", "infinity", ") conflicts with existing", 0)
	f.Fuzz(func(t *testing.T, n int, start, end, other string, refused int) {
		if strings.ContainsAny(start+end+other, `"`) { // what quotes them is not in an instant
			t.Skip()
		}
		span := fmt.Sprintf(`["%s","%s")`, start, end)
		detail := fmt.Sprintf(`Key ((id + 0), a, b)=(%d, ["%s",), [,"%s")) conflicts with existing key ((id + 0), a, b)=(%d, %s, ["%s",)).`,
			refused, start, end, n, span, other)
		want := []any{n, span, fmt.Sprintf(`["%s",)`, other)}
		if got := existing(detail); !reflect.DeepEqual(got, want) && !strings.Contains(start+end, "conflicts with existing key ") {
			t.Errorf("%s\n got %#v\nwant %#v", detail, got, want)
		}
	})
}
