package gql

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/ent/orm"
	"docket/gql/exec"
	"docket/internal/booking"
	"docket/internal/cache"
	"docket/internal/gate"
	"docket/internal/idempotency"
	"docket/internal/planner"
)

const (
	maxTokens     = 6_000   // of one document: validating takes time in the square of its fields
	keptDocuments = 1 << 20 // what those weigh that need not be parsed again
	keptDocument  = 1 << 9  // the least that one weighs, besides its text
)

// Config is what the API needs.
type Config struct {
	DB            *orm.Client
	Reads         planner.DB
	Dialect       string
	Rules         booking.Rules
	Keys          idempotency.Keys
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
	entities := readable()
	access := accessOf(schema.Mutation, entities)
	reads, err := planner.New(planner.Config{
		DB: c.Reads, Dialect: c.Dialect, Schema: schema, Entities: entities, Objects: []*planner.Object{access.viewerObject()}, Limits: c.Limits, Cursors: c.Cursors,
	})
	if err != nil {
		return nil, err
	}
	root := &Resolver{DB: c.DB, Gate: &gate.Gate{Rules: c.Rules, Clock: c.Clock, Log: c.Log}, Keys: c.Keys, Reads: reads}
	h := handler.New(executable{
		ExecutableSchema: exec.NewExecutableSchema(exec.Config{Resolvers: root, Schema: schema}), reads: reads, schema: schema,
	})
	h.AddTransport(overHTTP{})
	h.SetQueryCache(documents{cache.New[string, *ast.QueryDocument](keptDocuments)})
	h.SetParserTokenLimit(maxTokens)
	h.SetErrorPresenter(presenter(c.Log, schema))
	h.SetRecoverFunc(func(_ context.Context, reason any) error { return panicked(reason) })
	if c.Introspection {
		h.Use(extension.Introspection{})
	}
	h.SetDisableSuggestion(!c.Introspection)
	h.AroundFields(access.check)
	h.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		return next(booking.NewContext(ctx, booking.Moment{Now: c.Clock(), Rules: c.Rules}))
	})
	return h, nil
}

// readable are the entities with the fields that are made by hand.
func readable() []*planner.Entity {
	all, byHand := entities(), computed()
	for _, e := range all {
		e.Computed = byHand[e.Name]
	}
	return all
}

// documents are those that were parsed and validated, by their text.
type documents struct {
	kept *cache.Cache[string, *ast.QueryDocument]
}

// Get returns a document.
func (d documents) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	return d.kept.Get(text)
}

// Add keeps a document. What it takes in memory is in proportion to its text.
func (d documents) Add(_ context.Context, text string, doc *ast.QueryDocument) {
	d.kept.Add(text, doc, keptDocument+len(text))
}
