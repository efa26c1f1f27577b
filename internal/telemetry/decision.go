package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Decision begins a verb of booking, about the rows with those global ids, and
// returns what to call with how it was decided: with done, or the code of a refusal.
// Its transaction may be run again, and decided again.
func (t *Telemetry) Decision(ctx context.Context, verb string, ids func() []string) (context.Context, func(outcome string)) {
	var span trace.Span
	if trace.SpanFromContext(ctx).IsRecording() {
		ctx, span = t.tracer.Start(ctx, "booking "+verb, trace.WithTimestamp(t.Clock()), trace.WithAttributes(
			attribute.String("docket.booking.verb", verb), attribute.StringSlice("docket.booking.rows", ids()),
		))
	}
	return ctx, func(outcome string) {
		t.decisions.Add(ctx, 1, metric.WithAttributes(attribute.String("verb", verb), attribute.String("outcome", outcome)))
		if span != nil {
			span.SetAttributes(attribute.String("docket.booking.outcome", outcome))
			span.End(trace.WithTimestamp(t.Clock()))
		}
	}
}

// Again counts a transaction that is run again.
func (t *Telemetry) Again(ctx context.Context, cause string) {
	t.retries.Add(ctx, 1, metric.WithAttributes(attribute.String("cause", cause)))
	trace.SpanFromContext(ctx).AddEvent("transaction again", trace.WithAttributes(attribute.String("docket.transaction.cause", cause)))
}

// Repeated counts a request that was answered with what came of an earlier one.
func (t *Telemetry) Repeated(ctx context.Context) {
	if t != nil {
		t.replays.Add(ctx, 1)
		trace.SpanFromContext(ctx).SetAttributes(attribute.Bool("docket.idempotency.replay", true))
	}
}
