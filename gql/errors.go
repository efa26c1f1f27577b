package gql

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/lib/pq"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/internal/booking"
	"docket/internal/gate"
	"docket/internal/idempotency"
	"docket/internal/overlap"
	"docket/internal/planner"
	"docket/internal/refusal"
	"docket/internal/scalar"
	"docket/internal/txn"
)

// The codes of errors that are not refusals of package booking.
const (
	codeNotFound        = "NOT_FOUND"
	codeForbidden       = "FORBIDDEN"
	codeUnauthenticated = "UNAUTHENTICATED"
	codeBadUserInput    = planner.BadInput
	codeExists          = "ALREADY_EXISTS"
	codeVersion         = "VERSION_CONFLICT"
	codeKeyReused       = "IDEMPOTENCY_KEY_REUSED"
	codeContention      = "CONTENTION"
	codeTimeout         = "TIMEOUT"
	codeUnavailable     = "UNAVAILABLE"
)

// badInput says which field of an input is wrong, and how.
func badInput(field, format string, args ...any) *planner.InputError {
	return &planner.InputError{Code: codeBadUserInput, Field: field, Message: field + " " + fmt.Sprintf(format, args...) + "."}
}

// presenter turns every error into what consumers may see: a message, a code
// and the facts to act on. What it does not know stays inside: the log has it
// under the id that the consumer gets.
func presenter(log *slog.Logger, schema *ast.Schema) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		shown := graphql.DefaultErrorPresenter(ctx, err)
		message, code, facts := explain(err, schema)
		switch {
		case code == codeTimeout, code == codeUnavailable && ctx.Err() != nil: // the end of a request breaks its connection
			message, code, facts = ended(ctx)
		case code == codeUnavailable:
			message, facts = unavailable(ctx, log, err)
		}
		if code == "" && badArgument(ctx) {
			code = codeBadUserInput
			message, facts = argument(shown, err)
		}
		if code == "" && shown.Extensions["code"] != nil {
			shown.Message = brief(ofType.ReplaceAllString(shown.Message, "must be a $1"))
			return shown // gqlgen's own: the document did not parse or validate
		}
		if code == "" {
			message, code, facts = internal(ctx, log, err)
		}
		shown.Err, shown.Message = nil, brief(message)
		shown.Extensions = map[string]any{"code": code}
		maps.Copy(shown.Extensions, facts)
		return shown
	}
}

// brief cuts a message that repeats what it was sent, so that an answer to a long
// request is not as long, once for each error.
func brief(message string) string {
	const most = 1000 // bytes
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most], "") + "…"
}

// ofType is how gqlparser says that a variable has a value of another type. It
// names that in Go's words, and a number it takes for a string.
var ofType = regexp.MustCompile(`^(?:cannot use (?:value )?\S+ as|must be a) (\w+)(?:, not a \w+)?$`)

func internal(ctx context.Context, log *slog.Logger, err error) (message, code string, facts map[string]any) {
	refused, id := refusal.Internal()
	log.ErrorContext(ctx, "internal error", "id", id, "error", logged(err))
	return refused.Message, refused.Code, refused.Facts
}

// repeat tells how to find out what nobody knows.
const repeat = " Whether this was done is not known: repeat it with the same idempotencyKey."

// ended explains a request that took too long, or that nobody waits for.
func ended(ctx context.Context) (message, code string, facts map[string]any) {
	message = "The request ended before its answer was ready."
	if mutates(ctx) {
		message += repeat
	}
	return message, codeTimeout, map[string]any{"retryable": true}
}

// unavailable explains that the database is away, and whether anything was done
// before. The log has why.
func unavailable(ctx context.Context, log *slog.Logger, err error) (message string, facts map[string]any) {
	log.WarnContext(ctx, "the database is unavailable", "error", err)
	message, facts = "The database cannot be reached or written now.", map[string]any{"retryable": true}
	switch {
	case !mutates(ctx):
		message += " Try again."
	case errors.Is(err, txn.ErrUndone):
		message += " Nothing was changed; try again."
		facts["done"] = false
	default:
		message += repeat
	}
	return message, facts
}

// mutates reports whether the operation of ctx may have changed anything.
func mutates(ctx context.Context) bool {
	if !graphql.HasOperationContext(ctx) {
		return false
	}
	operation := graphql.GetOperationContext(ctx).Operation
	return operation != nil && operation.Operation == ast.Mutation
}

// explain finds what a consumer may know of the error; no code means nothing,
// and no message that it depends on the request.
func explain(err error, schema *ast.Schema) (message, code string, facts map[string]any) {
	var (
		refusal  *booking.Refusal
		overlaps *overlap.Conflict
		notFound *gate.NotFound
		stale    *gate.VersionConflict
		reused   *idempotency.Reused
		invalid  *orm.ValidationError
		asked    *planner.InputError
		refused  *entity.Refused
	)
	switch {
	case errors.As(err, &refused):
		return forbidden(refused)
	case errors.As(err, &refusal):
		return refusal.Message, string(refusal.Code), wire(refusal.Facts)
	case errors.As(err, &overlaps):
		return overlaps.Message, overlaps.Code, inTheWay(overlaps)
	case errors.As(err, &stale):
		typ := scalar.TypeOf(stale.ID)
		return fmt.Sprintf("The %s has changed since version %d.", typ, stale.Expected), codeVersion, map[string]any{
			"type": typ, "id": scalar.FormatID(stale.ID), "expectedVersion": stale.Expected, "version": stale.Version,
			"changed": changedFields(schema.Types[typ], stale.Changed),
		}
	case errors.As(err, &reused):
		return keyField + " was used before, for another input of " + reused.Operation + "; choose a new one.",
			codeKeyReused, map[string]any{"field": keyField}
	case errors.As(err, &notFound):
		return fmt.Sprintf("There is no such %s.", notFound.Type), codeNotFound,
			map[string]any{"type": notFound.Type, "id": scalar.FormatID(notFound.ID)}
	case errors.As(err, &invalid):
		field := fieldName(invalid.Name)
		return field + " " + reason(invalid) + ".", codeBadUserInput, map[string]any{"field": field}
	case errors.Is(err, planner.ErrMissing):
		return "What was asked for was deleted meanwhile.", codeNotFound, nil
	case orm.IsConstraintError(err):
		return constraint(err)
	case errors.Is(err, txn.ErrContention):
		return "Too many requests compete for this; try again.", codeContention, map[string]any{"retryable": true}
	case txn.Ended(err):
		return "", codeTimeout, nil
	case txn.Unavailable(err):
		return "", codeUnavailable, nil
	case errors.As(err, &asked):
		facts = map[string]any{}
		if asked.Field != "" {
			facts["field"] = asked.Field
		}
		maps.Copy(facts, asked.Facts)
		return asked.Message, asked.Code, facts
	}
	return "", "", nil
}

// forbidden explains what the viewer may not do.
func forbidden(r *entity.Refused) (message, code string, facts map[string]any) {
	if r.Anonymous {
		return "Say who you are: this needs a token.", codeUnauthenticated, nil
	}
	if r.Field != "" {
		field := fieldName(r.Field)
		return "You may not set " + field + ".", codeForbidden, map[string]any{"field": field}
	}
	return "You may not do this.", codeForbidden, nil
}

// inTheWay are the facts about the row in the way of another.
func inTheWay(c *overlap.Conflict) map[string]any {
	facts := map[string]any{}
	if c.With == nil {
		return facts
	}
	facts["conflicting"+c.Type+"Id"] = scalar.FormatID(c.With.ID)
	if facts[c.ScopeField] = c.With.Scope; c.ScopeOf != "" {
		facts[c.ScopeField] = scalar.FormatID(c.With.Scope)
	}
	for field, t := range c.With.Times {
		facts[field] = scalar.FormatTime(t)
	}
	return facts
}

// changedFields are the fields of the type that show what is in the columns.
func changedFields(typ *ast.Definition, columns []string) []string {
	fields := []string{}
	for _, column := range columns {
		for _, name := range []string{fieldName(column), fieldName(strings.TrimSuffix(column, "_id"))} {
			if typ.Fields.ForName(name) != nil && !slices.Contains(fields, name) {
				fields = append(fields, name)
				break
			}
		}
	}
	slices.Sort(fields)
	return fields
}

// argument explains a value that its scalar refused.
func argument(shown *gqlerror.Error, err error) (message string, facts map[string]any) {
	for _, step := range slices.Backward(shown.Path) {
		if name, ok := step.(ast.PathName); ok {
			facts = map[string]any{"field": string(name)}
			break
		}
	}
	if refused := (*scalar.Error)(nil); errors.As(err, &refused) {
		return refused.Message, facts
	}
	return "The value does not fit here.", facts // the cause speaks of Go
}

// badArgument reports whether the field of ctx failed while its arguments were
// read: gqlgen leaves them unset then.
func badArgument(ctx context.Context) bool {
	fc := graphql.GetFieldContext(ctx)
	return fc != nil && fc.Args == nil && fc.Field.Field != nil && len(fc.Field.Arguments) > 0
}

// constraint explains a violated constraint of the database without its words.
func constraint(err error) (message, code string, facts map[string]any) {
	column := ""
	if m := violated.FindStringSubmatch(err.Error()); m != nil {
		column = m[1]
	}
	var pg *pq.Error
	if errors.As(err, &pg) {
		if m := violatedDetail.FindStringSubmatch(pg.Detail); m != nil {
			column = m[1]
		}
	}
	if column != "" {
		field := fieldName(column)
		return field + " is in use already.", codeExists, map[string]any{"field": field}
	}
	return "An id leads to a row that is not there, or a value breaks a rule.", codeBadUserInput, nil
}

var (
	violated       = regexp.MustCompile(`UNIQUE constraint failed: \w+\.(\w+)`)
	violatedDetail = regexp.MustCompile(`^Key \((\w+)\)=.* already exists`)
	underscore     = regexp.MustCompile(`_[a-z]`)
)

// fieldName is the name in the API of a column.
func fieldName(column string) string {
	return underscore.ReplaceAllStringFunc(column, func(s string) string { return string(s[1] - 'a' + 'A') })
}

// reason is what a validator said, without what ent puts before it.
func reason(invalid *orm.ValidationError) string {
	err := error(invalid)
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}

// wire writes facts as consumers read them.
func wire(facts map[string]any) map[string]any {
	out := make(map[string]any, len(facts))
	for name, v := range facts {
		switch v := v.(type) {
		case booking.ID:
			out[name] = scalar.FormatID(int(v))
		case time.Time:
			out[name] = scalar.FormatTime(v)
		default:
			out[name] = v
		}
	}
	return out
}
