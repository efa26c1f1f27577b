package schema

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"docket/internal/booking"
)

// view are the rows for which a predicate holds at the moment of the request.
func view(ctx context.Context, where func(*sql.Selector, booking.Moment) *sql.Predicate) func(*sql.Selector) {
	return func(s *sql.Selector) { s.Where(at(ctx, s, where)) }
}

// at is a predicate that depends on the moment of the request. A context
// without one fails the query instead of answering for some other time.
func at(ctx context.Context, s *sql.Selector, where func(*sql.Selector, booking.Moment) *sql.Predicate) *sql.Predicate {
	m, err := booking.FromContext(ctx)
	if err != nil {
		s.AddError(err)
		return sql.False() // not every way to run a query looks at the error
	}
	return where(s, m)
}
