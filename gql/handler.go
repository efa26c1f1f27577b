package gql

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/ent/orm"
	"docket/gql/exec"
	"docket/internal/booking"
	"docket/internal/gate"
	"docket/internal/planner"
)

const (
	maxTokens       = 15_000 // of one document
	cachedDocuments = 1_000
)

// Config is what the API needs.
type Config struct {
	DB            *orm.Client
	Reads         planner.DB
	Dialect       string
	Rules         booking.Rules
	Limits        planner.Limits
	Cursors       *planner.Cursors
	Clock         func() time.Time
	Log           *slog.Logger
	Introspection bool
}

// NewHandler serves the API: GraphQL over HTTP by POST, and by GET for queries.
func NewHandler(c Config) (http.Handler, error) {
	schema, err := Schema()
	if err != nil {
		return nil, err
	}
	known := entities()
	for _, e := range known {
		e.Computed = computed()[e.Name]
	}
	reads, err := planner.New(planner.Config{
		DB: c.Reads, Dialect: c.Dialect, Schema: schema, Entities: known, Limits: c.Limits, Cursors: c.Cursors,
	})
	if err != nil {
		return nil, err
	}
	root := &Resolver{DB: c.DB, Gate: &gate.Gate{DB: c.DB, Rules: c.Rules, Clock: c.Clock, Log: c.Log}, Reads: reads}
	h := handler.New(executable{
		ExecutableSchema: exec.NewExecutableSchema(exec.Config{Resolvers: root, Schema: schema}), reads: reads, schema: schema,
	})
	h.AddTransport(overHTTP{})
	h.SetQueryCache(lru.New[*ast.QueryDocument](cachedDocuments))
	h.SetParserTokenLimit(maxTokens)
	h.SetErrorPresenter(presenter(c.Log))
	h.SetRecoverFunc(func(_ context.Context, reason any) error { return panicked(reason) })
	if c.Introspection {
		h.Use(extension.Introspection{})
	}
	h.SetDisableSuggestion(!c.Introspection)
	h.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		return next(booking.NewContext(ctx, booking.Moment{Now: c.Clock(), Rules: c.Rules}))
	})
	return h, nil
}
