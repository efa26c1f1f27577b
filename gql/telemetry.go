package gql

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/documents"
	"docket/internal/gate"
	"docket/internal/telemetry"
	"docket/internal/txn"
)

// observed begins an operation, and returns what to call with how it was answered:
// its document and operation, as far as they were found.
func (h overHTTP) observed(ctx context.Context) (context.Context, func(*documents.Document, *ast.OperationDefinition, *graphql.Response)) {
	if h.telemetry == nil {
		return ctx, func(*documents.Document, *ast.OperationDefinition, *graphql.Response) {}
	}
	ctx, ended := h.telemetry.Operation(ctx)
	return ctx, func(d *documents.Document, o *ast.OperationDefinition, r *graphql.Response) { ended(operated(d, o, r)) }
}

// operated is what telemetry is told of an operation.
func operated(document *documents.Document, operation *ast.OperationDefinition, response *graphql.Response) telemetry.Operation {
	var o telemetry.Operation
	if document != nil {
		o.Document, o.Trusted = document.Hash, document.Trusted
	}
	if operation != nil {
		o.Name, o.Type, o.Fields = operation.Name, string(operation.Operation), roots(operation.SelectionSet)
	}
	for _, err := range response.Errors {
		code, _ := err.Extensions["code"].(string)
		if code == "" {
			code = "UNKNOWN"
		}
		o.Codes = append(o.Codes, code)
	}
	return o
}

// roots are the names of the fields of Query or Mutation, each once.
func roots(selected ast.SelectionSet) (names []string) {
	for _, s := range selected {
		switch s := s.(type) {
		case *ast.Field:
			names = append(names, s.Name)
		case *ast.InlineFragment:
			names = append(names, roots(s.SelectionSet)...)
		case *ast.FragmentSpread:
			names = append(names, roots(s.Definition.SelectionSet)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// decided has the decisions of the gate told to telemetry, with the codes of their
// refusals; nil where there is none.
func (c Config) decided(schema *ast.Schema) gate.Observer {
	if c.Telemetry == nil {
		return nil
	}
	return func(ctx context.Context, verb string, ids func() []string) (context.Context, func(error)) {
		ctx, ended := c.Telemetry.Decision(ctx, verb, ids)
		return ctx, func(err error) { ended(decision(err, schema)) }
	}
}

// decision is how a verb ended that returned err: AGAIN is no decision yet, as the
// transaction lost to another.
func decision(err error, schema *ast.Schema) string {
	switch _, code, _ := explain(err, schema); {
	case err == nil:
		return "DONE"
	case txn.Lost(err):
		return "AGAIN"
	case code != "":
		return code
	}
	return "INTERNAL"
}

// watched has transactions of ctx that are run again told to telemetry.
func (c Config) watched(ctx context.Context) context.Context {
	if c.Telemetry == nil {
		return ctx
	}
	return txn.Watch(ctx, c.Telemetry.Again)
}
