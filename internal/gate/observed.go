package gate

import (
	"context"

	"docket/internal/scalar"
)

// Observer is told that a verb begins, about the rows with the ids that it can ask
// for, and returns the context for it and what to call with how it ended.
type Observer func(ctx context.Context, verb string, ids func() []string) (context.Context, func(error))

// observed tells the observer of a verb. What it returns is deferred with the
// verb's error.
func (g *Gate) observed(ctx context.Context, verb string, ids ...int) (context.Context, func(*error)) {
	if g.Observer == nil {
		return ctx, func(*error) {}
	}
	ctx, ended := g.Observer(ctx, verb, func() []string {
		rows := make([]string, len(ids))
		for i, id := range ids {
			rows[i] = scalar.FormatID(id)
		}
		return rows
	})
	return ctx, func(err *error) { ended(*err) }
}
