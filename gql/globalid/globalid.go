// Package globalid is the Relay id of a row on the wire: the base64 of
// "Type:n". Inside, an id is one int: each type owns a range of 1<<32 ids, so
// the number alone tells its type, and no lookup is ever needed.
package globalid

import (
	"encoding/base64"
	"io"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
)

// Error says that a text is no id.
type Error struct{}

func (*Error) Error() string { return "This is not an id of this service." }

// Type is the GraphQL type of the row, or "" for a number in no range.
func Type(id int) string { return types[id>>32] }

// Format writes the id as consumers see it.
func Format(id int) string {
	return base64.StdEncoding.EncodeToString([]byte(Type(id) + ":" + strconv.Itoa(id&(1<<32-1))))
}

// Parse reads what [Format] wrote.
func Parse(text string) (int, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	name, number, _ := strings.Cut(string(raw), ":")
	n, nerr := strconv.ParseUint(number, 10, 32)
	if err != nil || nerr != nil {
		return 0, &Error{}
	}
	for start, t := range types {
		if id := start<<32 | int(n); t == name && Format(id) == text {
			return id, nil
		}
	}
	return 0, &Error{}
}

// MarshalID and UnmarshalID are the scalar ID to gqlgen.
func MarshalID(id int) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, `"`+Format(id)+`"`) })
}

// UnmarshalID reads an id from an argument or a variable.
func UnmarshalID(v any) (int, error) {
	text, ok := v.(string)
	if !ok {
		return 0, &Error{}
	}
	return Parse(text)
}

// Start is the number before the first id of a type's range; 0 for an unknown type, too.
func Start(typ string) int {
	for start, t := range types {
		if t == typ {
			return start << 32
		}
	}
	return 0
}
