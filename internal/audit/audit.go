// Package audit tells the database who asks for what, for the trail of what is
// done to each row.
//
// Triggers write the trail, in the transaction that it is about; package
// migration makes them. What they cannot know, who asked and by which mutation,
// travels in the context with which a transaction begins: package database tells
// it to PostgreSQL or SQLite there, for that transaction alone.
package audit

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"
)

// Asking is who asks for what.
type Asking struct {
	Viewer    string // the subject; empty where nobody said who they are
	Operation string // the field of Mutation
}

// errText says that an entry could not hold it, or would hold another text.
var errText = errors.New("audit: who asks, or what for, is not text that a database can hold")

// Check refuses what cannot be noted as it is.
func (a Asking) Check() error {
	for _, s := range []string{a.Viewer, a.Operation} {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return errText
		}
	}
	return nil
}

type contextKey struct{}

// NewContext returns a context for transactions that a asks for.
func NewContext(ctx context.Context, a Asking) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// FromContext returns who asks for what; false where nobody asked the API.
func FromContext(ctx context.Context) (Asking, bool) {
	a, ok := ctx.Value(contextKey{}).(Asking)
	return a, ok
}
