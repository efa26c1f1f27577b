package scalar

import (
	"encoding/json"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
)

var errInt = &Error{"This is not a whole number of at most 64 bits."}

// MarshalInt writes a whole number.
func MarshalInt(n int) graphql.Marshaler { return graphql.MarshalInt(n) }

// UnmarshalInt reads a whole number, for which no string stands (GraphQL
// specification, 3.5.1 Int). The database counts in 64 bits.
func UnmarshalInt(v any) (int, error) {
	switch v := v.(type) {
	case int64: // a literal
		return int(v), nil
	case json.Number: // in a variable
		if n, err := strconv.Atoi(string(v)); err == nil {
			return n, nil
		}
	}
	return 0, errInt
}
