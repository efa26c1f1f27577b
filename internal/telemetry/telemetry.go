package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/runtime"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Settings are what is wanted, besides what the variables OTEL_… say.
type Settings struct {
	Environment string                   // where the server runs: deployment.environment.name
	Metrics     bool                     // serve them with [Telemetry.Handler]
	Operations  bool                     // log a line for each
	Parents     func(*http.Request) bool // whose word for the trace of a request is taken; nil for nobody's
	Log         slog.Handler             // where to log
	Always      bool                     // tell lines of the log their trace and service, even if nothing else is wanted
	Clock       func() time.Time
}

// Telemetry is where a server tells what it does.
type Telemetry struct {
	Settings
	resource  *resource.Resource
	tracer    trace.Tracer
	meter     metric.Meter
	here, log *slog.Logger // the first exports nothing: it tells what goes wrong with exporting
	registry  *prometheus.Registry
	names     names
	operation sets[operationKey]
	instruments
	stop []func(context.Context) error
}

// scope is the name of docket's own instrumentation.
const scope = "docket"

// stopTimeout is how long what is still queued may take to leave.
const stopTimeout = 5 * time.Second

// Start returns nil where nothing is wanted. An error names the variable that is
// wrong, and never its value.
func Start(ctx context.Context, s Settings) (*Telemetry, error) {
	wanted, err := exports()
	if err != nil {
		return nil, err
	}
	if !s.Metrics && !s.Operations && !s.Always && wanted == (signals{}) {
		return nil, nil
	}
	t := &Telemetry{Settings: s}
	if t.resource, err = described(ctx, s.Environment); err != nil {
		return nil, err
	}
	t.here = slog.New(correlated{s.Log}.WithAttrs(t.attributes()))
	t.log = t.here
	for _, start := range []func(context.Context, signals) error{t.traces, t.metrics, t.records} {
		if err := start(ctx, wanted); err != nil {
			t.Stop(ctx)
			return nil, err
		}
	}
	if err := t.observeBuild(); err != nil {
		t.Stop(ctx)
		return nil, err
	}
	return t, nil
}

// traces has an id for each operation, which log lines have too, even where no
// span is exported.
func (t *Telemetry) traces(ctx context.Context, wanted signals) error {
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(t.resource)}
	if wanted.traces {
		exporter, err := t.spanExporter(ctx)
		if err != nil {
			return err
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	} else {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	}
	provider := sdktrace.NewTracerProvider(options...)
	t.stop = append(t.stop, provider.Shutdown)
	t.tracer = provider.Tracer(scope)
	return nil
}

func (t *Telemetry) metrics(ctx context.Context, wanted signals) error {
	if !t.Metrics && !wanted.metrics {
		t.meter = metricnoop.NewMeterProvider().Meter(scope)
		return t.instrument()
	}
	options := []sdkmetric.Option{sdkmetric.WithResource(t.resource)}
	if t.Metrics {
		t.registry = prometheus.NewRegistry()
		if err := t.registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})); err != nil {
			return err
		}
		reader, err := promexporter.New(promexporter.WithRegisterer(t.registry), promexporter.WithoutScopeInfo(), promexporter.WithoutTargetInfo())
		if err != nil {
			return err
		}
		options = append(options, sdkmetric.WithReader(reader))
	}
	if wanted.metrics {
		exporter, err := t.metricExporter(ctx)
		if err != nil {
			return err
		}
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)))
	}
	provider := sdkmetric.NewMeterProvider(options...)
	t.stop = append(t.stop, provider.Shutdown)
	t.meter = provider.Meter(scope)
	if err := runtime.Start(runtime.WithMeterProvider(provider)); err != nil {
		return err
	}
	return t.instrument()
}

// Logger logs what docket does; for nil, to the handler as it is.
func (t *Telemetry) Logger(h slog.Handler) *slog.Logger {
	if t == nil {
		return slog.New(h)
	}
	return t.log
}

// Handler answers Prometheus; nil where it is not wanted.
func (t *Telemetry) Handler() http.Handler {
	if t == nil || t.registry == nil {
		return nil
	}
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(t.here.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 4, EnableOpenMetrics: true, // which has the traces of examples
	})
}

// Stop exports what is still queued, and waits for that no longer than a while: that
// nobody received it is no failure of the server.
func (t *Telemetry) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	var err error
	for _, stop := range t.stop {
		err = errors.Join(err, stop(ctx))
	}
	if err != nil {
		t.here.WarnContext(ctx, "telemetry is lost: not all could be exported before the end", "error", err)
	}
}
