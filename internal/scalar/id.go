package scalar

import (
	"encoding/base64"
	"io"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
)

// An id on the wire is the base64 of "Type:n". Inside, it is one int: each type
// owns a range of 1<<32 ids, so the number alone tells its type, and no lookup
// is ever needed.
const idRange = 1 << 32

var errID = &Error{"This is not an id of this service."}

// TypeOf is the GraphQL type of the row with the id, or "" for a number in no range.
func TypeOf(id int) string { return types[id/idRange] }

// FirstID is the number before the first id of a type's range; 0 for an unknown type, too.
func FirstID(typ string) int {
	for n, t := range types {
		if t == typ {
			return n * idRange
		}
	}
	return 0
}

// AppendID appends the id as consumers see it, without quotes.
func AppendID(to []byte, id int) []byte {
	var text [64]byte
	raw := append(append(text[:0], TypeOf(id)...), ':')
	return base64.StdEncoding.AppendEncode(to, strconv.AppendInt(raw, int64(id%idRange), 10))
}

// FormatID is the id as consumers see it.
func FormatID(id int) string { return string(AppendID(nil, id)) }

// ParseID reads what [FormatID] wrote.
func ParseID(text string) (int, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	name, number, _ := strings.Cut(string(raw), ":")
	n, nerr := strconv.ParseUint(number, 10, 32)
	if err != nil || nerr != nil {
		return 0, errID
	}
	for r, t := range types {
		if id := r*idRange + int(n); t == name && FormatID(id) == text {
			return id, nil
		}
	}
	return 0, errID
}

// MarshalID and UnmarshalID are the scalar ID to gqlgen.
func MarshalID(id int) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, `"`+FormatID(id)+`"`) })
}

// UnmarshalID reads an id from an argument or a variable.
func UnmarshalID(v any) (int, error) {
	text, ok := v.(string)
	if !ok {
		return 0, errID
	}
	return ParseID(text)
}
