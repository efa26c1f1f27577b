// Package server runs the API over HTTP, from start to an orderly end.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"docket/internal/graphiql"
	"docket/internal/refusal"
)

const readyTimeout = 2 * time.Second

// Server answers HTTP.
type Server struct {
	API      http.Handler
	GraphiQL bool                        // serve it to browsers
	Debug    http.Handler                // serves /debug/; nil where nobody debugs
	Ready    func(context.Context) error // whether what it depends on is there
	Timeout  time.Duration               // how long a request may take, below the minute to write its answer
	Reading  time.Duration               // how long a request may take to come
	Drain    time.Duration               // how long to go on, not ready, once told to stop; and then to wait for connections that are kept
	Origins  []string                    // whose pages may read answers, besides its own
	Hosts    []string                    // the names it answers to, besides addresses; none for any
	Log      *slog.Logger
	TLS      *TLS                            // nil to speak plain HTTP
	Admin    *Admin                          // nil for none
	Around   func(http.Handler) http.Handler // what goes around everything; nil for nothing

	stopping    atomic.Bool  // who asks is told that it is not ready
	leaving     atomic.Bool  // new connections are refused
	connections atomic.Int64 // that are open
	checks      singleflight.Group
}

// Run serves on the listener until ctx is done. Then it stops being ready,
// finishes the requests it has, and returns; whatever they use must stay open
// until then.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	if s.Admin != nil {
		defer s.administer()()
	}
	sites := s.sites(l)
	failed := make(chan error, len(sites))
	for _, site := range sites {
		go func() { failed <- site.serve() }()
	}
	select {
	case err := <-failed:
		for _, site := range sites {
			_ = site.Server.Close()
		}
		for range len(sites) - 1 {
			if other := <-failed; !errors.Is(other, http.ErrServerClosed) {
				err = errors.Join(err, other)
			}
		}
		return err
	case <-ctx.Done():
	}
	return s.stop(ctx, sites, failed)
}

// http answers within the times that a client may take.
func (s *Server) http(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           s.parting(h),
		ConnState:         counting(&s.connections),
		ReadHeaderTimeout: 5 * time.Second, // a TLS handshake has as long
		ReadTimeout:       cmp.Or(s.Reading, 30*time.Second),
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
}

// Handler routes requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	api := s.bounded(s.API)
	mux.Handle("/graphql", api)
	if s.GraphiQL {
		page := graphiql.Page()
		mux.HandleFunc("GET /graphql", func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Accept"), "text/html") {
				page.ServeHTTP(w, r)
				return
			}
			api.ServeHTTP(w, r)
		})
		mux.Handle(graphiql.AssetsPath, graphiql.Assets())
		mux.Handle("GET /{$}", http.RedirectHandler("/graphql", http.StatusFound))
	}
	if s.Debug != nil {
		mux.Handle("/debug/", s.Debug)
	}
	all := s.recovered(guarded(s.called(s.shared(mux))))
	if s.Around != nil {
		return s.Around(all)
	}
	return all
}

// bounded ends the context of a request that takes too long, and with it its SQL.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.Timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// recovered answers for what panics around the API, as the API does for its own.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch reason := recover(); reason {
			case nil:
			case http.ErrAbortHandler: // is how a handler ends a connection
				panic(reason)
			default:
				refused, id := refusal.Internal()
				s.Log.ErrorContext(r.Context(), "internal error", "id", id, "error", fmt.Sprintf("panic: %v\n%s", reason, debug.Stack()))
				refused.Write(w, r)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.stopping.Load() {
		say(w, http.StatusServiceUnavailable, "stopping")
		return
	}
	// One answer for all who ask meanwhile: they are not counted, and a check takes
	// a connection of the database.
	_, err, _ := s.checks.Do("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), readyTimeout)
		defer cancel()
		return nil, s.Ready(ctx)
	})
	if err != nil {
		s.Log.WarnContext(r.Context(), "not ready", "error", err)
		say(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}
