package planner

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Limits bound what one operation may ask of the database.
type Limits struct {
	Page       int // rows of a list for which neither first nor last is given
	MaxPage    int // what first, last and the number of ids may be at most
	Filter     int // how deep a filter may be nested
	Conditions int // how many conditions all filters may have together
	Depth      int // how deep objects may be nested
	Lists      int // how many lists and related objects may be selected
	Fields     int // how many fields may be selected, each wherever it is used
	Rows       int // how many rows the answer may have, as far as its pages tell
	Values     int // how many values these rows may have
	Parameters int // how many values the statement may take
	Cost       int // what all of it may cost together
}

// DefaultLimits suit a page of any application, and what it could mistake for one.
func DefaultLimits() Limits {
	return Limits{
		Page: 50, MaxPage: 500, Filter: 8, Conditions: 500,
		Depth: 12, Lists: 200, Fields: 2000, Rows: 250_000, Values: 300_000, Parameters: 5000, Cost: 500_000,
	}
}

// The codes of errors in arguments; they reach the API as extensions.code.
const (
	BadInput   = "BAD_USER_INPUT"
	TooComplex = "TOO_COMPLEX"
)

// InputError says that an argument, or the operation as a whole, cannot be served.
type InputError struct {
	Code    string
	Field   string // the argument
	Message string
	Facts   map[string]any
}

func (e *InputError) Error() string { return e.Message }

// bad is an argument of a list that is wrong.
func bad(field, message string, args ...any) *InputError {
	return &InputError{Code: BadInput, Field: field, Message: fmt.Sprintf(message, args...)}
}

// tooMuch is an argument that asks for more than most.
func tooMuch(code, field string, most int, message string, args ...any) *InputError {
	return &InputError{Code: code, Field: field, Message: fmt.Sprintf(message, args...), Facts: map[string]any{"max": most}}
}

// refuse is an operation that asks for more than most at the list.
func (c *compiler) refuse(l *list, message string, most int) error {
	return placed(l.path, tooMuch(TooComplex, "", most, message, most))
}

// placed is an error at its place in the answer.
func placed(path ast.Path, err error) *gqlerror.Error {
	return &gqlerror.Error{Err: err, Message: err.Error(), Path: append(ast.Path{}, path...)}
}
