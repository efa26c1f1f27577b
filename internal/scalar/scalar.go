// Package scalar is how the values of the API are written and read: ID, Time
// and String. gqlgen uses it for what mutations take, the planner for all that
// is read. What a consumer gets wrong is an *[Error], whose text it may see.
package scalar

// Error says what a value would have to be.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }
