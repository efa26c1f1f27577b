package database

import (
	"context"
	"sync/atomic"
)

// Written is whether anything may have been written by whoever has it in their
// context. Transactions of a driver note it; what only reads does not begin one.
type Written struct{ begun, unknown atomic.Bool }

type writtenKey struct{}

// NewContext returns a context whose transactions are noted in w.
func NewContext(ctx context.Context, w *Written) context.Context {
	return context.WithValue(ctx, writtenKey{}, w)
}

// Begun reports whether there was a transaction, whatever came of it.
func (w *Written) Begun() bool { return w.begun.Load() }

// Unknown reports whether a commit failed. It may be done all the same, even
// later: what says so may have got lost on the way.
func (w *Written) Unknown() bool { return w.unknown.Load() }

// begins notes a transaction in the Written of ctx, if it has one.
func begins(ctx context.Context) {
	if w, ok := ctx.Value(writtenKey{}).(*Written); ok {
		w.begun.Store(true)
	}
}

// fails notes that nobody knows what came of the transaction of ctx.
func fails(ctx context.Context) {
	if w, ok := ctx.Value(writtenKey{}).(*Written); ok {
		w.unknown.Store(true)
	}
}
