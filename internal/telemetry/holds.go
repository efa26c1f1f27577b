package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
)

// Holds are counted in the database, so no more often than this, and no longer.
const (
	holdsEvery   = 10 * time.Second
	holdsTimeout = 2 * time.Second
)

// holds are what was counted last.
type holds struct {
	mu             sync.Mutex
	looked, until  time.Time // the last try, and until when those that ended are counted
	running, ended int64
	known          bool
}

// CountHolds counts the reservations that are held at now, and the holds that ended
// after since, up to now, without having been confirmed or cancelled.
type CountHolds func(ctx context.Context, since, now time.Time) (running, ended int, err error)

// ObserveHolds measures holds, those of all servers.
func (t *Telemetry) ObserveHolds(count CountHolds) error {
	if t == nil {
		return nil
	}
	running, err1 := t.meter.Int64ObservableGauge("docket.holds", metric.WithUnit("{hold}"), metric.WithDescription("Reservations that wait for their confirmation, in the whole database."))
	ended, err2 := t.meter.Int64ObservableCounter("docket.holds.expired", metric.WithUnit("{hold}"), metric.WithDescription("Holds that ended without a confirmation while this server ran, in the whole database."))
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	h := holds{until: t.Clock()}
	_, err := t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.look(ctx, t.Clock(), count)
		if h.known {
			o.ObserveInt64(running, h.running)
		}
		o.ObserveInt64(ended, h.ended)
		return nil
	}, running, ended)
	return err
}

// look counts. While the database is away, nobody knows how many are running.
func (h *holds) look(ctx context.Context, now time.Time, count CountHolds) {
	if !h.looked.IsZero() && now.Sub(h.looked) < holdsEvery && !now.Before(h.looked) {
		return
	}
	h.looked = now
	ctx, cancel := context.WithTimeout(ctx, holdsTimeout)
	defer cancel()
	running, ended, err := count(ctx, h.until, now)
	if h.known = err == nil; h.known {
		h.running, h.ended, h.until = int64(running), h.ended+int64(ended), now
	}
}
