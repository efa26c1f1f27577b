package schema

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"docket/internal/booking"
)

// at is a predicate that depends on the moment of the request. A context
// without one fails the query instead of answering for some other time.
func at(ctx context.Context, where func(*sql.Selector, booking.Moment) *sql.Predicate) func(*sql.Selector) {
	return func(s *sql.Selector) {
		m, err := booking.FromContext(ctx)
		if err != nil {
			s.AddError(err)
			s.Where(sql.False()) // not every way to run a query looks at the error
			return
		}
		s.Where(where(s, m))
	}
}
