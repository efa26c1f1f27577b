package gql

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/lib/pq"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/txn"
)

// TestRetryableErrors are those that a test of the API cannot make at will. They
// say what a mutation may have done.
func TestRetryableErrors(t *testing.T) {
	t.Parallel()
	lost := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")}
	const nobodyKnows = "repeat it with the same idempotencyKey"
	for name, test := range map[string]struct {
		err       error
		operation ast.Operation
		code      string
		done      any
		says      string
	}{
		"competed":                {txn.ErrContention, ast.Mutation, "CONTENTION", nil, "try again"},
		"a read that took long":   {context.DeadlineExceeded, ast.Query, "TIMEOUT", nil, "ready."},
		"a write that took long":  {context.DeadlineExceeded, ast.Mutation, "TIMEOUT", nil, nobodyKnows},
		"nobody waits":            {context.Canceled, ast.Query, "TIMEOUT", nil, "ready."},
		"PostgreSQL stopped it":   {&pq.Error{Code: "57014"}, ast.Mutation, "TIMEOUT", nil, nobodyKnows},
		"a read lost":             {lost, ast.Query, "UNAVAILABLE", nil, "Try again"},
		"a commit lost":           {lost, ast.Mutation, "UNAVAILABLE", nil, nobodyKnows},
		"lost before the commit":  {fmt.Errorf("%w: %w", txn.ErrUndone, lost), ast.Mutation, "UNAVAILABLE", false, "Nothing was changed"},
		"a connection that broke": {driver.ErrBadConn, ast.Mutation, "UNAVAILABLE", nil, nobodyKnows},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			ctx := graphql.WithOperationContext(t.Context(), &graphql.OperationContext{
				Operation: &ast.OperationDefinition{Operation: test.operation},
			})
			shown := presenter(slog.New(slog.NewTextHandler(&log, nil)), nil)(ctx, fmt.Errorf("at the end: %w", test.err))
			if e := shown.Extensions; e["code"] != test.code || e["retryable"] != true || e["done"] != test.done {
				t.Errorf("the extensions are %v", e)
			}
			if !strings.Contains(shown.Message, test.says) {
				t.Errorf("it says %q, not %q", shown.Message, test.says)
			}
			if logged := strings.Contains(log.String(), "at the end"); logged != (test.code == "UNAVAILABLE") {
				t.Errorf("the log has %q", log.String())
			}
		})
	}
}

// TestEndedRequests break their connections, which is not the database's fault.
func TestEndedRequests(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	shown := presenter(slog.New(slog.DiscardHandler), nil)(ctx, driver.ErrBadConn)
	if shown.Extensions["code"] != "TIMEOUT" {
		t.Errorf("the extensions are %v", shown.Extensions)
	}
}
