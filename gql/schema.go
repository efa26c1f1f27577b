package gql

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/planner"
)

//go:embed *.graphql
var definitions embed.FS

// Schema is the schema of the API.
func Schema() (*ast.Schema, error) {
	names, err := fs.Glob(definitions, "*.graphql")
	if err != nil {
		return nil, err
	}
	var sources []*ast.Source
	for _, name := range names {
		text, err := definitions.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
	}
	return gqlparser.LoadSchema(sources...)
}

// executable executes operations: the planner reads, gqlgen does what mutations
// do and tells the schema.
type executable struct {
	graphql.ExecutableSchema // gqlgen's
	reads                    *planner.Planner
	schema                   *ast.Schema
}

// Schema is what operations are validated against.
func (e executable) Schema() *ast.Schema { return e.schema }

// Exec executes the operation of ctx.
func (e executable) Exec(ctx context.Context) graphql.ResponseHandler {
	oc := graphql.GetOperationContext(ctx)
	if oc.Operation.Operation != ast.Query {
		if errs := e.reads.Check(ctx, oc); len(errs) > 0 {
			return func(ctx context.Context) *graphql.Response { return respond(ctx, nil, errs) }
		}
		return e.ExecutableSchema.Exec(ctx)
	}
	done := false
	return func(ctx context.Context) *graphql.Response {
		if done {
			return nil
		}
		done = true
		data, errs := e.reads.Query(ctx, oc.Operation, oc.Variables, func(others ast.SelectionSet) map[string]json.RawMessage {
			return e.others(ctx, oc, others)
		})
		return respond(ctx, data, errs)
	}
}

// respond makes a response of what was executed, be it to no data.
func respond(ctx context.Context, data []byte, errs []error) *graphql.Response {
	for _, err := range errs {
		graphql.AddError(ctx, err)
	}
	if data == nil {
		data = []byte("null")
	}
	return &graphql.Response{Data: data}
}

// others has gqlgen answer the root fields that the planner does not know, such
// as __schema; their values by response name.
func (e executable) others(ctx context.Context, oc *graphql.OperationContext, selections ast.SelectionSet) map[string]json.RawMessage {
	if oc.DisableIntrospection {
		for _, s := range selections {
			if f := s.(*ast.Field); strings.HasPrefix(f.Name, "__") {
				graphql.AddError(ctx, badInput(f.Name, "is not told: this service keeps its schema to itself"))
			}
		}
		return nil
	}
	operation := *oc.Operation
	operation.SelectionSet = selections
	ctx = graphql.WithOperationContext(ctx, &graphql.OperationContext{
		RawQuery: oc.RawQuery, Variables: oc.Variables, OperationName: oc.OperationName, Doc: oc.Doc, Headers: oc.Headers,
		Operation: &operation, RecoverFunc: oc.RecoverFunc,
		ResolverMiddleware: oc.ResolverMiddleware, RootResolverMiddleware: oc.RootResolverMiddleware,
	})
	values := map[string]json.RawMessage{}
	if response := e.ExecutableSchema.Exec(ctx)(ctx); response != nil {
		_ = json.Unmarshal(response.Data, &values) // null where an error, which ctx has, leaves nothing
	}
	return values
}
