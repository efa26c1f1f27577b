// Package overlap tells what is in the way of a row that a NoOverlap of its
// schema has refused.
package overlap

import (
	"fmt"
	"time"

	"docket/ent/entity"
)

// Exclusion is a declared one, and what consumers may know of the row in the way.
type Exclusion struct {
	entity.Exclusion
	Table, Type         string
	ScopeField, ScopeOf string            // the field with the scope; the type whose id it is, if it is one
	Times               map[string]string // the columns of its spans, by field
	Policy              entity.Policy     // who may be told of a row in the way
}

// Of are the exclusions of a table.
func Of(table string) (all []Exclusion) {
	for _, x := range declared {
		if x.Table == table {
			all = append(all, x)
		}
	}
	return all
}

// All are the exclusions of all tables.
func All() []Exclusion { return declared }

// Conflict says that a row was not written, and which is in the way.
type Conflict struct {
	*Exclusion
	With  *Row // nil where both would be new, it is gone meanwhile, or the viewer may not see it
	cause error
	key   []any // PostgreSQL: the scope and the spans of the row in the way
}

// Row is the one in the way.
type Row struct {
	ID    int
	Scope int
	Times map[string]time.Time // by field; those without an end are left out
}

func (c *Conflict) Error() string { return fmt.Sprintf("%s: %v", c.Constraint, c.cause) }

// Unwrap is what the database said.
func (c *Conflict) Unwrap() error { return c.cause }
