package schema

import (
	"errors"
	"strings"
	"unicode"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	entschema "entgo.io/ent/schema"
	"entgo.io/ent/schema/field"

	"docket/ent/entity"
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

// subject is the field that says whose own the row is.
func subject() ent.Field {
	return field.String("subject").Optional().Nillable().Unique().Validate(validSubject).
		Comment("The identity provider's name (sub) for the person, whose own the row is.").
		Annotations(entity.Guarded(), entgql.Skip(entgql.SkipOrderField))
}

// maxSubject is what OpenID Connect allows a sub to have (Core 1.0, 2 ID Token).
const maxSubject = 255

func validSubject(s string) error {
	if n := len(s); n < 1 || n > maxSubject || strings.ContainsFunc(s, unicode.IsControl) {
		return errors.New("must have 1 to 255 bytes, without control characters")
	}
	return nil
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
