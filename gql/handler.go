package gql

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/ent/orm"
	"docket/gql/exec"
	"docket/internal/booking"
	"docket/internal/gate"
)

const (
	maxTokens       = 15_000 // of one document
	cachedDocuments = 1_000
)

// Config is what the API needs.
type Config struct {
	DB            *orm.Client
	Rules         booking.Rules
	Clock         func() time.Time
	Log           *slog.Logger
	Introspection bool
}

// NewHandler serves the API: GraphQL over HTTP by POST, and by GET for queries.
func NewHandler(c Config) http.Handler {
	root := &Resolver{DB: c.DB, Gate: &gate.Gate{DB: c.DB, Rules: c.Rules, Clock: c.Clock, Log: c.Log}}
	h := handler.New(exec.NewExecutableSchema(exec.Config{Resolvers: root, Schema: publicSchema()}))
	h.AddTransport(transport.Options{})
	h.AddTransport(transport.GET{})
	h.AddTransport(transport.POST{})
	h.SetQueryCache(lru.New[*ast.QueryDocument](cachedDocuments))
	h.SetParserTokenLimit(maxTokens)
	h.SetErrorPresenter(presenter(c.Log))
	h.SetRecoverFunc(func(_ context.Context, reason any) error { return fmt.Errorf("panic: %v", reason) })
	if c.Introspection {
		h.Use(extension.Introspection{})
	}
	h.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		return next(booking.NewContext(ctx, booking.Moment{Now: c.Clock(), Rules: c.Rules}))
	})
	return h
}

// publicSchema is the schema without the directives that only gqlgen reads.
func publicSchema() *ast.Schema {
	schema := *exec.NewExecutableSchema(exec.Config{}).Schema()
	schema.Directives = maps.Clone(schema.Directives)
	maps.DeleteFunc(schema.Directives, func(name string, _ *ast.DirectiveDefinition) bool { return strings.HasPrefix(name, "go") })
	return &schema
}
