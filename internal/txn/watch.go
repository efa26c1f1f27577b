package txn

import (
	"context"
	"errors"

	"github.com/lib/pq"

	"docket/internal/database"
)

type watchKey struct{}

// Watch has again called for each transaction of ctx that is run again, with the
// cause: away (it could not begin), changed ([ErrAgain]), migrated ([database.Stale]),
// deadlock, serialization, or busy (SQLite).
func Watch(ctx context.Context, again func(ctx context.Context, cause string)) context.Context {
	return context.WithValue(ctx, watchKey{}, again)
}

func watched(ctx context.Context, cause string) {
	if again, ok := ctx.Value(watchKey{}).(func(context.Context, string)); ok {
		again(ctx, cause)
	}
}

// cause is why a transaction is run again.
func cause(err error) string {
	var pg *pq.Error
	switch {
	case errors.Is(err, errBegin) && Unavailable(err):
		return "away"
	case errors.Is(err, ErrAgain):
		return "changed"
	case database.Stale(err):
		return "migrated"
	case errors.As(err, &pg) && pg.Code == "40P01":
		return "deadlock"
	case errors.As(err, &pg):
		return "serialization"
	}
	return "busy"
}
