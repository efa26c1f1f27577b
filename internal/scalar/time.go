package scalar

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

var errTime = &Error{"This is not an instant; write it as 2030-01-07T09:00:00Z or 2030-01-07T10:00:00+01:00."}

// maxOffset is the greatest offset from UTC that PostgreSQL understands, less
// than any place has.
const maxOffset = 15 * 60 * 60 // seconds

// rfc3339 is what [time.Parse] is not strict about: the hour has two digits, a
// point comes before the fraction, and no hour of an offset has more than 59
// minutes.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:[0-5]\d)$`)

// MarshalTime writes an instant in UTC, whatever zone it came in.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, `"`+FormatTime(t)+`"`) })
}

// FormatTime is the instant as consumers see it: RFC 3339 in UTC.
func FormatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// UnmarshalTime reads an instant, with any offset, to the microsecond. Its year
// in UTC must have four digits, or it could not be written as RFC 3339 again.
func UnmarshalTime(v any) (time.Time, error) {
	if text, ok := v.(string); ok && rfc3339.MatchString(text) {
		t, err := time.Parse(time.RFC3339Nano, text)
		_, offset := t.Zone()
		u := t.UTC().Truncate(time.Microsecond)
		if err == nil && offset <= maxOffset && offset >= -maxOffset && u.Year() >= 1 && u.Year() <= 9998 {
			return u, nil
		}
	}
	return time.Time{}, errTime
}

// dateTime is where the offset begins in what a database writes, or the
// fraction of the second: 2030-01-07 09:00:00.
const dateTime = len(time.DateTime)

// AppendStored appends an instant as consumers see it, given as either database
// writes it when its zone is UTC: 2030-01-07 09:00:00.5+00 or …+00:00.
func AppendStored(to []byte, stored string) ([]byte, error) {
	offset := strings.LastIndexByte(stored, '+')
	if offset < dateTime || stored[10] != ' ' || strings.Trim(stored[offset:], "+0:") != "" {
		return to, errors.New("scalar: the database did not write an instant in UTC")
	}
	to = append(append(to, stored[:10]...), 'T')
	return append(append(to, stored[11:offset]...), 'Z'), nil
}

// ParseStored reads what a database wrote.
func ParseStored(stored string) (time.Time, error) {
	var buffer [40]byte
	text, err := AppendStored(buffer[:0], stored)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, string(text))
}
