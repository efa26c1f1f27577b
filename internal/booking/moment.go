package booking

import (
	"context"
	"errors"
	"time"
)

// Moment is the instant a request is answered for, and the rules in force.
// One request sees one moment, so all parts of an answer agree with each other.
type Moment struct {
	Now   time.Time
	Rules Rules
}

// ErrNoMoment is returned where a context carries no [Moment].
var ErrNoMoment = errors.New("booking: the context carries no moment")

type momentKey struct{}

// NewContext returns ctx with the moment m.
func NewContext(ctx context.Context, m Moment) context.Context {
	m.Now = Instant(m.Now)
	return context.WithValue(ctx, momentKey{}, m)
}

// FromContext returns the moment of ctx, or [ErrNoMoment].
func FromContext(ctx context.Context) (Moment, error) {
	m, ok := ctx.Value(momentKey{}).(Moment)
	if !ok {
		return Moment{}, ErrNoMoment
	}
	return m, nil
}

// Instant is t as the databases keep it: UTC, whole microseconds.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
