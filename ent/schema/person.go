package schema

import (
	"errors"
	"strings"
	"unicode"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

const maxName = 100

// nameFields are the fields of anyone with a name.
func nameFields(annotations ...entschema.Annotation) []ent.Field {
	name := func(column, comment string) ent.Field {
		return field.String(column).Validate(validName).
			SchemaType(map[string]string{"postgres": "varchar(100)", "sqlite3": "varchar(100)"}).
			Comment(comment + ", 1 to 100 characters.").Annotations(annotations...)
	}
	return []ent.Field{
		name("first_name", "Given name"),
		name("last_name", "Family name"),
	}
}

// nameChecks hold the same rule in the database.
func nameChecks() *entsql.Annotation {
	return entsql.Checks(map[string]string{
		"first_name_length": "length(first_name) BETWEEN 1 AND 100",
		"last_name_length":  "length(last_name) BETWEEN 1 AND 100",
	})
}

var errName = errors.New("must be 1 to 100 characters, not only spaces, without control characters")

func validName(s string) error {
	n := len([]rune(s))
	if n < 1 || n > maxName || strings.TrimSpace(s) == "" || strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsRune(s, unicode.ReplacementChar) {
		return errName
	}
	return nil
}
