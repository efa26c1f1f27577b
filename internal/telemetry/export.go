package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The SDK tells of what could not be exported to a handler that the whole process
// shares. So exporters tell it here instead.

// complaint is what is told of the exporter of one signal: how often it failed, and
// why, once in a while.
type complaint struct {
	t      *Telemetry
	signal string
	next   atomic.Int64 // when to say so again, in Unix seconds
}

// silence is how long nothing is said of a signal after something was.
const silence = time.Minute

// of passes nothing on: it has been told.
func (c *complaint) of(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if c.t.failures != nil {
		c.t.failures.Add(ctx, 1, metric.WithAttributes(attribute.String("signal", c.signal)))
	}
	now, next := c.t.Clock().Unix(), c.next.Load()
	if now >= next && c.next.CompareAndSwap(next, now+int64(silence/time.Second)) {
		c.t.here.Warn("telemetry is lost: it could not be exported", "signal", c.signal, "error", err)
	}
	return nil
}

type spans struct {
	sdktrace.SpanExporter
	*complaint
}

func (s spans) ExportSpans(ctx context.Context, all []sdktrace.ReadOnlySpan) error {
	return s.of(ctx, s.SpanExporter.ExportSpans(ctx, all))
}

func (t *Telemetry) spanExporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	exporter, err := otlptracehttp.New(ctx)
	return spans{exporter, &complaint{t: t, signal: "traces"}}, err
}

type measurements struct {
	sdkmetric.Exporter
	*complaint
}

func (m measurements) Export(ctx context.Context, all *metricdata.ResourceMetrics) error {
	return m.of(ctx, m.Exporter.Export(ctx, all))
}

func (t *Telemetry) metricExporter(ctx context.Context) (sdkmetric.Exporter, error) {
	exporter, err := otlpmetrichttp.New(ctx)
	return measurements{exporter, &complaint{t: t, signal: "metrics"}}, err
}

type records struct {
	sdklog.Exporter
	*complaint
}

func (r records) Export(ctx context.Context, all []sdklog.Record) error {
	return r.of(ctx, r.Exporter.Export(ctx, all))
}

// records exports what is logged.
func (t *Telemetry) records(ctx context.Context, wanted signals) error {
	if !wanted.logs {
		return nil
	}
	exporter, err := otlploghttp.New(ctx)
	if err != nil {
		return err
	}
	processor := sdklog.NewBatchProcessor(records{exporter, &complaint{t: t, signal: "logs"}})
	provider := sdklog.NewLoggerProvider(sdklog.WithResource(t.resource), sdklog.WithProcessor(processor))
	t.stop = append(t.stop, provider.Shutdown)
	t.log = slog.New(slog.NewMultiHandler(t.here.Handler(), otelslog.NewHandler(scope, otelslog.WithLoggerProvider(provider))))
	return nil
}
