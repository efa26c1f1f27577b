// Package instant is the scalar Time: an instant, written as RFC 3339.
package instant

import (
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalTime writes an instant in UTC, whatever zone it came in.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, `"`+t.UTC().Format(time.RFC3339Nano)+`"`)
	})
}

// maxOffset is the greatest offset from UTC that PostgreSQL understands, less
// than any place has.
const maxOffset = 15 * 60 * 60 // seconds

// UnmarshalTime reads an instant, with any offset, to the microsecond. Its year
// in UTC must have four digits, or it could not be written as RFC 3339 again.
func UnmarshalTime(v any) (time.Time, error) {
	if text, ok := v.(string); ok {
		t, err := time.Parse(time.RFC3339Nano, text)
		_, offset := t.Zone()
		u := t.UTC().Truncate(time.Microsecond)
		if err == nil && offset <= maxOffset && offset >= -maxOffset && u.Year() >= 1 && u.Year() <= 9998 {
			return u, nil
		}
	}
	return time.Time{}, &Error{}
}

// Error says that a value is no instant.
type Error struct{}

func (*Error) Error() string {
	return "This is not an instant; write it as 2030-01-07T09:00:00Z or 2030-01-07T10:00:00+01:00."
}
