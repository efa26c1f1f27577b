package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const shutdownTimeout = 30 * time.Second

// stop ends the sites without losing a request to who keeps connections, such as
// a proxy does. A connection that is closed while nobody uses it may be one on
// which a request has just been sent, and a proxy must not send a mutation twice.
// So once all connections that were made have been accepted, new ones are refused,
// on which a proxy can be sure that nothing was done; those that are kept are told
// to end with their next answer (RFC 9112, section 9.6); and only who did neither
// use nor close one meanwhile is cut off.
func (s *Server) stop(ctx context.Context, sites []site, failed <-chan error) error {
	s.stopping.Store(true)
	s.Log.Info("stopping", "drain", s.Drain)
	time.Sleep(s.Drain) // those who watch readiness turn to others
	var bad error
	for _, site := range sites {
		if s.Drain > 0 {
			quiet(site.Listener)
		}
		bad = errors.Join(bad, site.Listener.Close())
		if err := <-failed; !errors.Is(err, net.ErrClosed) {
			bad = errors.Join(bad, err)
		}
	}
	s.leaving.Store(true) // not before: who has to connect again is refused at once
	for end := time.Now().Add(s.Drain); s.connections.Load() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	for _, site := range sites {
		if err := site.Shutdown(end); err != nil {
			_ = site.Server.Close() // ends the contexts of those requests: what they use closes next
			bad = fmt.Errorf("some requests did not finish in %v: %w", shutdownTimeout, err)
		}
	}
	return bad
}

// parting tells connections that are kept when it is time to end.
func (s *Server) parting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// counting counts the connections that are open.
func counting(open *atomic.Int64) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
}
