package profiler

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/viewer"
)

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
	graphql.ResponseInterceptor
} = (*Profiler)(nil)

// ExtensionName is its name in gqlgen.
func (*Profiler) ExtensionName() string { return "Profiler" }

// Validate accepts any schema.
func (*Profiler) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation sees an operation that is executed.
func (p *Profiler) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return next(ctx)
	}
	o := x.begin(p.operation(ctx))
	respond := next(context.WithValue(ctx, operationKey{}, o))
	return func(ctx context.Context) *graphql.Response {
		response := respond(ctx)
		p.responded(ctx, response)
		return response
	}
}

// InterceptResponse sees what comes of it, or of a request that came to no
// operation.
func (p *Profiler) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	p.responded(ctx, response)
	return response
}

func (p *Profiler) responded(ctx context.Context, response *graphql.Response) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok || response == nil {
		return
	}
	o, executed := ctx.Value(operationKey{}).(*operation)
	if !executed {
		if o = x.unanswered(); o == nil { // it panicked
			o = x.begin(p.operation(ctx))
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answered, o.Errors = p.clock(), nil
	for _, err := range response.Errors {
		code, _ := err.Extensions["code"].(string)
		o.Errors = append(o.Errors, failure{code, err.Message, err.Path.String()})
	}
	x.next(o.answered)
}

// operation is what ctx tells of one.
func (p *Profiler) operation(ctx context.Context) *operation {
	o := &operation{executing: p.clock(), open: map[string]int{}, texts: map[string]string{}}
	o.Viewer, _ = viewer.FromContext(ctx)
	if !graphql.HasOperationContext(ctx) {
		return o
	}
	oc := graphql.GetOperationContext(ctx)
	o.Document = cut(oc.RawQuery, keptText)
	if oc.Operation == nil {
		return o
	}
	o.Kind, o.Name, o.Fields = string(oc.Operation.Operation), oc.Operation.Name, roots(oc.Operation)
	if len(oc.Variables) > 0 {
		variables, _ := json.Marshal(oc.Variables)
		o.Variables = cut(string(variables), keptText)
	}
	return o
}

// roots are the names of the first fields of an operation.
func roots(op *ast.OperationDefinition) string {
	var names []string
	for _, s := range op.SelectionSet {
		if len(names) == 3 {
			names = append(names, "…")
			break
		}
		switch s := s.(type) {
		case *ast.Field:
			names = append(names, s.Name)
		case *ast.FragmentSpread:
			names = append(names, "…"+s.Name)
		}
	}
	return strings.Join(names, ", ")
}
