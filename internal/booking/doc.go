// Package booking holds the rules of booking as pure functions.
//
// Nothing here reads a clock, a database or a configuration: the instant and
// the [Rules] are arguments, and every refusal is a *[Refusal] that says which
// rule was broken and what to do about it. The package needs the standard
// library only, so that the schemas, the gate and the tests can all share it.
//
// All intervals are half-open: a slot covers [start, end), a hold is alive
// while now < its end. Instants are compared as instants, never as text.
package booking
