package gql

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"docket/internal/documents"
	"docket/internal/refusal"
	"docket/internal/telemetry"
)

// overHTTP is GraphQL over HTTP: POST with JSON, and GET for queries. An answer
// is written as the planner made it, without being encoded once more.
type overHTTP struct {
	documents *documents.Documents
	requests  Requests
	telemetry *telemetry.Telemetry
}

// Requests bound what one request of HTTP may hold.
type Requests struct {
	MaxBody  int // bytes
	MaxBatch int // operations; 1 takes no batches
}

// DefaultRequests suit any application.
func DefaultRequests() Requests { return Requests{MaxBody: 1 << 20, MaxBatch: 1} }

var _ graphql.Transport = overHTTP{}

// Supports takes every request: what is no GraphQL is told so.
func (overHTTP) Supports(*http.Request) bool { return true }

// Do answers a request. The operations of a batch are executed one after the
// other, in their order; what one of them comes to does not concern the next.
func (h overHTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	accepted := refusal.Accepted(r)
	if accepted == "" {
		notGraphQL(http.StatusNotAcceptable, "Answers are "+refusal.ResponseJSON+" or "+refusal.PlainJSON+".").Write(w, r)
		return
	}
	requests, batch, refused := h.read(w, r)
	if refused != nil {
		refused.Write(w, r)
		return
	}
	if !batch {
		response, status := h.answer(r, accepted, requests[0], exec)
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		write(w, accepted, status, response)
		return
	}
	responses := make([]*graphql.Response, len(requests))
	for i, one := range requests {
		responses[i], _ = h.answer(r, accepted, one, exec)
	}
	writeBatch(w, accepted, responses)
}

// answer executes an operation.
func (h overHTTP) answer(r *http.Request, accepted string, one *request, exec graphql.GraphExecutor) (response *graphql.Response, status int) {
	ctx, ended := h.observed(r.Context())
	var document *documents.Document
	var operation *ast.OperationDefinition
	defer func() { ended(document, operation, response) }()
	defer func() {
		if reason := recover(); reason != nil {
			response = exec.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(panicked(reason))})
			status = http.StatusInternalServerError
		}
	}()
	status = http.StatusOK
	if accepted == refusal.ResponseJSON {
		status = http.StatusBadRequest // until it is executed
	}
	document, errs := h.documents.Find(one.document)
	if errs != nil {
		return exec.DispatchError(ctx, errs), status
	}
	one.params.Query = document.Text
	oc, errs := exec.CreateOperationContext(context.WithValue(ctx, found{}, document.Parsed), one.params)
	operation = oc.Operation
	if errs != nil {
		return exec.DispatchError(graphql.WithOperationContext(ctx, oc), errs), status
	}
	if r.Method == http.MethodGet && oc.Operation.Operation != ast.Query {
		return &graphql.Response{Errors: gqlerror.List{{
			Message: "GET is for queries only; send this with POST.", Extensions: map[string]any{"code": codeBadUserInput},
		}}}, http.StatusMethodNotAllowed
	}
	responses, ctx := exec.DispatchOperation(ctx, oc)
	if response = responses(ctx); response == nil { // nobody waits for it any more
		response = exec.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(context.Cause(ctx))})
	}
	return response, http.StatusOK
}

// found is the key of the parsed document in the context that gqlgen parses in.
type found struct{}

// Get returns the document that was found for the request.
func (found) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc, ok := ctx.Value(found{}).(*ast.QueryDocument)
	return doc, ok
}

// Add keeps nothing: package documents does.
func (found) Add(context.Context, string, *ast.QueryDocument) {}

// panicked is an error for the log, with where it happened.
func panicked(reason any) error { return fmt.Errorf("panic: %v\n%s", reason, debug.Stack()) }
