package telemetry

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Operation is a GraphQL operation that was answered.
type Operation struct {
	Name     string   // as its document says, which clients write; "" for none
	Type     string   // query or mutation; "" where no document was found or it is not valid
	Trusted  bool     // its document is registered with the server, and so is its name
	Document string   // the SHA-256 of its document, in hexadecimal
	Fields   []string // of Query or Mutation, by their names in the schema
	Codes    []string // of its errors
}

// The outcomes of operations.
const (
	ok        = "ok"
	refused   = "refused"   // by what the client asked, or who it is
	failed    = "failed"    // by docket, or what it depends on
	cancelled = "cancelled" // as nobody waited for the answer any more
)

// faults are the codes that are no client's fault.
var faults = []string{"INTERNAL", "UNAVAILABLE", "TIMEOUT"}

func isFault(code string) bool { return slices.Contains(faults, code) }

func outcome(ctx context.Context, errorCodes []string) string {
	switch {
	case len(errorCodes) == 0:
		return ok
	case !slices.ContainsFunc(errorCodes, isFault):
		return refused
	case errors.Is(context.Cause(ctx), context.Canceled):
		return cancelled
	}
	return failed
}

// Operation begins one, and returns what to call with what came of it.
func (t *Telemetry) Operation(ctx context.Context) (context.Context, func(Operation)) {
	start := t.Clock()
	ctx, span := t.tracer.Start(ctx, "GraphQL", rootOf(ctx, start)...)
	return ctx, func(o Operation) {
		end := t.Clock()
		came := outcome(ctx, o.Codes)
		key := operationKey{t.names.label(o, came), typed(o), came}
		t.operations.Record(ctx, end.Sub(start).Seconds(), t.operation.of(key, operationKey.attributes))
		for _, field := range o.Fields {
			t.fields.Add(ctx, 1, metric.WithAttributes(attribute.String("type", key.typ), attribute.String("field", field)))
		}
		for _, code := range o.Codes {
			t.Refused(ctx, code)
		}
		o.on(span, came)
		span.End(trace.WithTimestamp(end))
		if t.Operations {
			t.log.LogAttrs(ctx, slog.LevelInfo, "operation", o.line(came, end.Sub(start))...)
		}
	}
}

type operationKey struct{ name, typ, outcome string }

func (k operationKey) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("operation", k.name), attribute.String("type", k.typ), attribute.String("outcome", k.outcome),
	}
}

// typed is the type as a label.
func typed(o Operation) string { return cmp.Or(o.Type, invalid) }

// on writes what came of an operation on its span, in the terms of OpenTelemetry's
// semantic conventions for GraphQL. Their graphql.document is left out: its literals
// are values.
func (o Operation) on(span trace.Span, came string) {
	if !span.IsRecording() {
		return
	}
	if o.Type != "" {
		span.SetName(strings.TrimSuffix(o.Type+" "+o.Name, " "))
		span.SetAttributes(attribute.String("graphql.operation.type", o.Type))
	}
	if o.Name != "" {
		span.SetAttributes(attribute.String("graphql.operation.name", o.Name))
	}
	if o.Document != "" {
		span.SetAttributes(attribute.String("docket.document.sha256", o.Document), attribute.StringSlice("docket.operation.fields", o.Fields))
	}
	span.SetAttributes(attribute.String("docket.outcome", came))
	if len(o.Codes) > 0 {
		span.SetAttributes(attribute.StringSlice("docket.error.codes", o.Codes))
	}
	if came == failed {
		span.SetStatus(codes.Error, o.Codes[slices.IndexFunc(o.Codes, isFault)])
	}
}

// line is an operation in the log; its trace is added to it. DataDog reads a
// duration in nanoseconds.
func (o Operation) line(came string, took time.Duration) []slog.Attr {
	line := []slog.Attr{slog.String("operation", cmp.Or(o.Name, anonymous)), slog.String("type", typed(o)), slog.String("outcome", came), slog.Duration("duration", took)}
	if o.Document != "" {
		line = append(line, slog.String("document", o.Document))
	}
	if len(o.Codes) > 0 {
		line = append(line, slog.Any("codes", o.Codes))
	}
	return line
}

// Refused counts an error that was answered, by its code.
func (t *Telemetry) Refused(ctx context.Context, code string) {
	if t != nil {
		t.errors.Add(ctx, 1, metric.WithAttributes(attribute.String("code", code)))
	}
}
