package gql

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"

	"docket/ent/orm"
	"docket/gql/exec"
	"docket/internal/booking"
	"docket/internal/documents"
	"docket/internal/gate"
	"docket/internal/idempotency"
	"docket/internal/planner"
	"docket/internal/profiler"
	"docket/internal/telemetry"
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
	FirstLogin    bool                 // give those whose token says who they are a row of their own
	Introspection bool                 // tell the schema: when asked, and by suggestions in errors
	Documents     documents.Config     // of which the schema is not needed; without limits, it has the default ones
	Requests      Requests             // the default ones, if there are none
	Telemetry     *telemetry.Telemetry // nil for none
	Profiler      *profiler.Profiler   // nil where it is off
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
		DB: c.Reads, Dialect: c.Dialect, Schema: schema, Entities: entities, Objects: []*planner.Object{access.viewerObject()},
		Writes: map[string]planner.Writes{"appointmentBulkCreate": opened(c.Rules)}, Limits: c.Limits, Cursors: c.Cursors,
		Reading: c.Profiler.Reads(),
	})
	if err != nil {
		return nil, err
	}
	c.Documents.Schema, c.Documents.Suggest = schema, c.Introspection
	c.Documents.Limits, c.Requests = cmp.Or(c.Documents.Limits, documents.DefaultLimits()), cmp.Or(c.Requests, DefaultRequests())
	docs, err := documents.New(c.Documents)
	if err != nil {
		return nil, err
	}
	root := &Resolver{DB: c.DB, Gate: &gate.Gate{Rules: c.Rules, Clock: c.Clock, Log: c.Log, Observer: c.decided(schema)}, Keys: c.Keys, Reads: reads, Telemetry: c.Telemetry}
	h := handler.New(executable{
		ExecutableSchema: exec.NewExecutableSchema(exec.Config{Resolvers: root, Schema: schema}), reads: reads, schema: schema,
	})
	h.AddTransport(overHTTP{docs, c.Requests, c.Telemetry})
	h.SetQueryCache(found{})
	if c.Profiler != nil {
		h.Use(c.Profiler)
	}
	h.SetErrorPresenter(presenter(c.Log, schema))
	h.SetRecoverFunc(func(_ context.Context, reason any) error { return panicked(reason) })
	if c.Introspection {
		h.Use(extension.Introspection{})
	}
	h.AroundFields(access.check)
	h.AroundResponses(telling(c.Limits.Cost))
	first := newFirstLogin(c.DB, c.Log)
	h.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		ctx = booking.NewContext(c.watched(ctx), booking.Moment{Now: c.Clock(), Rules: c.Rules})
		if c.FirstLogin {
			first.of(ctx)
		}
		return next(ctx)
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
