package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// Admin is what those see who operate the server, at a listener of its own. It has
// no way to tell who asks: the network has to keep everyone else away.
type Admin struct {
	Listener net.Listener
	Metrics  http.Handler // for Prometheus; nil for none
	Hosts    []string     // the names it answers to, besides addresses; none for any
}

const (
	adminWrite    = 2 * time.Minute // what a profile may take, and its answer
	adminShutdown = 2 * time.Second
)

// administer serves the admin until what it returns is called, which is after all
// else has ended: the last that a server did can be asked for, too.
func (s *Server) administer() (stop func()) {
	h := s.http(s.adminHandler())
	h.WriteTimeout = adminWrite
	h.ConnState = nil // nobody waits for those whom operators keep
	go func() {
		if err := h.Serve(s.Admin.Listener); !errors.Is(err, http.ErrServerClosed) {
			s.Log.Error("nobody can administer this server any more", "error", err)
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), adminShutdown)
		defer cancel()
		if h.Shutdown(ctx) != nil {
			_ = h.Close() // somebody takes a profile
		}
	}
}

func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	if s.Admin.Metrics != nil {
		mux.Handle("GET /metrics", s.Admin.Metrics)
	}
	// All of package pprof but for cmdline: secrets can be among the flags.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	called := &Server{Hosts: s.Admin.Hosts}
	return s.recovered(guarded(called.called(mux)))
}
