// Package text is the scalar String: Unicode that both databases can keep.
package text

import (
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// Error says that a string cannot be kept.
type Error struct{}

func (*Error) Error() string {
	return "A string cannot have a NUL or what is not Unicode in it."
}

// MarshalString writes a string.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString reads a string. PostgreSQL keeps no NUL, and half a surrogate
// pair arrives as U+FFFD.
func UnmarshalString(v any) (string, error) {
	s, err := graphql.UnmarshalString(v)
	if err != nil || strings.ContainsRune(s, 0) || strings.ContainsRune(s, utf8.RuneError) {
		return "", &Error{}
	}
	return s, nil
}
