package telemetry

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// What is asked for when measurements leave: each of these methods is called once,
// and its function then and again.

func (t *Telemetry) observeBuild() error {
	version, revision := build()
	labels := metric.WithAttributes(attribute.String("version", version), attribute.String("revision", revision), attribute.String("goversion", runtime.Version()))
	_, err := t.meter.Int64ObservableGauge("docket.build.info", metric.WithDescription("What runs here; always 1."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(1, labels)
			return nil
		}))
	return err
}

// ObservePool measures the connections to a database, by a name for it.
func (t *Telemetry) ObservePool(name string, stats func() sql.DBStats) error {
	if t == nil {
		return nil
	}
	count, err1 := t.meter.Int64ObservableUpDownCounter("db.client.connection.count", metric.WithUnit("{connection}"), metric.WithDescription("Connections to the database, by whether they are used."))
	most, err2 := t.meter.Int64ObservableUpDownCounter("db.client.connection.max", metric.WithUnit("{connection}"), metric.WithDescription("How many connections there can be."))
	waits, err3 := t.meter.Int64ObservableCounter("docket.db.pool.waits", metric.WithUnit("{wait}"), metric.WithDescription("How often a connection was waited for, as all were used."))
	waited, err4 := t.meter.Float64ObservableCounter("docket.db.pool.wait.time", metric.WithUnit("s"), metric.WithDescription("How long connections were waited for, together."))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	_, err := t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s, pool := stats(), attribute.String("pool", name)
		state := func(of string) metric.ObserveOption {
			return metric.WithAttributes(pool, attribute.String("state", of))
		}
		o.ObserveInt64(count, int64(s.InUse), state("used"))
		o.ObserveInt64(count, int64(s.Idle), state("idle"))
		o.ObserveInt64(most, int64(s.MaxOpenConnections), metric.WithAttributes(pool))
		o.ObserveInt64(waits, s.WaitCount, metric.WithAttributes(pool))
		o.ObserveFloat64(waited, s.WaitDuration.Seconds(), metric.WithAttributes(pool))
		return nil
	}, count, most, waits, waited)
	return err
}

// ObserveCertificates measures when certificates end, by host name.
func (t *Telemetry) ObserveCertificates(ends func() map[string]time.Time) error {
	if t == nil {
		return nil
	}
	_, err := t.meter.Int64ObservableGauge("docket.certificate.expiry", metric.WithUnit("s"), metric.WithDescription("When certificates end, in Unix seconds."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			for domain, end := range ends() {
				o.Observe(end.Unix(), metric.WithAttributes(attribute.String("domain", domain)))
			}
			return nil
		}))
	return err
}

// ObserveKeys measures how often the identity provider was asked for its keys.
func (t *Telemetry) ObserveKeys(asked func() (fetched, failed int64)) error {
	if t == nil {
		return nil
	}
	_, err := t.meter.Int64ObservableCounter("docket.identity.key.fetches", metric.WithUnit("{fetch}"), metric.WithDescription("How often the identity provider was asked for its keys."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			fetched, failures := asked()
			o.Observe(fetched, metric.WithAttributes(attribute.String("outcome", ok)))
			o.Observe(failures, metric.WithAttributes(attribute.String("outcome", failed)))
			return nil
		}))
	return err
}
