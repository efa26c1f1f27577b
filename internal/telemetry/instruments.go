package telemetry

import (
	"errors"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// The edges of histograms, in seconds. 250 ms is one, as it is what most objectives
// are about.
var (
	requestEdges   = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
	statementEdges = []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5}
)

// instruments are what is measured as it happens.
type instruments struct {
	requests   metric.Float64Histogram
	active     metric.Int64UpDownCounter
	operations metric.Float64Histogram
	fields     metric.Int64Counter
	errors     metric.Int64Counter
	decisions  metric.Int64Counter
	retries    metric.Int64Counter
	replays    metric.Int64Counter
	statements metric.Float64Histogram
	failures   metric.Int64Counter
}

func (t *Telemetry) instrument() error {
	m := maker{Meter: t.meter}
	t.instruments = instruments{
		requests:   m.seconds("http.server.request.duration", requestEdges, "How long requests of HTTP took."),
		active:     m.gauge("http.server.active_requests", "{request}", "Requests of HTTP that are being answered."),
		operations: m.seconds("docket.operation.duration", requestEdges, "How long GraphQL operations took."),
		fields:     m.counter("docket.operation.fields", "{field}", "Fields of Query and Mutation that were executed."),
		errors:     m.counter("docket.errors", "{error}", "Errors that were answered."),
		decisions:  m.counter("docket.booking.decisions", "{decision}", "What was decided about bookings."),
		retries:    m.counter("docket.transaction.retries", "{retry}", "Transactions that were run again."),
		replays:    m.counter("docket.idempotency.replays", "{request}", "Requests that were sent again, and answered with what came of the first."),
		statements: m.seconds("db.client.operation.duration", statementEdges, "How long statements took, with reading their rows."),
		failures:   m.counter("docket.telemetry.export.failures", "{export}", "What could not be exported by OTLP."),
	}
	return m.err
}

// maker makes instruments, and keeps what went wrong.
type maker struct {
	metric.Meter
	err error
}

func (m *maker) seconds(name string, edges []float64, what string) metric.Float64Histogram {
	h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(edges...))
	m.err = errors.Join(m.err, err)
	return h
}

func (m *maker) counter(name, unit, what string) metric.Int64Counter {
	c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
	m.err = errors.Join(m.err, err)
	return c
}

func (m *maker) gauge(name, unit, what string) metric.Int64UpDownCounter {
	c, err := m.Int64UpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
	m.err = errors.Join(m.err, err)
	return c
}

// sets are the attributes of measurements, each made once: there are few, and
// measuring is to cost little. The zero sets are empty.
type sets[K comparable] struct{ made sync.Map }

func (s *sets[K]) of(key K, attributes func(K) []attribute.KeyValue) metric.MeasurementOption {
	if made, ok := s.made.Load(key); ok {
		return made.(metric.MeasurementOption)
	}
	made, _ := s.made.LoadOrStore(key, metric.WithAttributeSet(attribute.NewSet(attributes(key)...)))
	return made.(metric.MeasurementOption)
}
