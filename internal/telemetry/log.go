package telemetry

import (
	"context"
	"encoding/binary"
	"log/slog"
	"strconv"

	"go.opentelemetry.io/otel/trace"
)

// correlated adds to what is logged which trace it belongs to. trace_id and span_id
// are as W3C Trace Context writes them, in hexadecimal. dd.trace_id and dd.span_id
// are what DataDog knew before: the low 64 bits as a decimal, in a text, since many
// readers of JSON keep only 53 bits of a number.
type correlated struct{ slog.Handler }

// Handle logs a record. It is the context that knows the trace.
func (c correlated) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r = r.Clone()
		traceID, spanID := span.TraceID(), span.SpanID()
		r.AddAttrs(
			slog.String("trace_id", traceID.String()), slog.String("span_id", spanID.String()),
			slog.String("dd.trace_id", decimal(traceID[8:])), slog.String("dd.span_id", decimal(spanID[:])),
		)
	}
	return c.Handler.Handle(ctx, r)
}

func decimal(id []byte) string { return strconv.FormatUint(binary.BigEndian.Uint64(id), 10) }

// WithAttrs keeps adding.
func (c correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlated{c.Handler.WithAttrs(attrs)}
}

// WithGroup keeps adding, to the group.
func (c correlated) WithGroup(name string) slog.Handler { return correlated{c.Handler.WithGroup(name)} }
