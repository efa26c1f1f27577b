package overlap

import (
	"reflect"
	"testing"
)

// What PostgreSQL 15 says of a conflict, with one span and with two.
func TestExistingKey(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string][]any{
		`Key ((provider_id + 0), tstzrange(time_slot, ends_at))=(8589934593, ["2030-05-07 12:59:00+00","2030-05-07 14:00:00+00")) conflicts with existing key ((provider_id + 0), tstzrange(time_slot, ends_at))=(8589934594, ["2030-05-07 13:00:00+00","2030-05-07 13:15:00+00")).`: {
			8589934594, `["2030-05-07 13:00:00+00","2030-05-07 13:15:00+00")`,
		},
		`Key ((client_id + 0), a, b)=(1, ["x","y"), ["v","w")) conflicts with existing key ((client_id + 0), a, b)=(2, ["2030-05-07 13:00:00+00","2030-05-07 13:15:00+00"), ["2030-05-06 12:00:00.000001+00",)).`: {
			2, `["2030-05-07 13:00:00+00","2030-05-07 13:15:00+00")`, `["2030-05-06 12:00:00.000001+00",)`,
		},
		"":                                     nil,
		"Key (id)=(1) already exists.":         nil,
		"conflicts with existing key (a)=(b).": nil,
	} {
		if got := existing(detail); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", detail, got, want)
		}
	}
}
