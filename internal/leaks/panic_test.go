package leaks_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"docket/gql"
	"docket/internal/booking"
	"docket/internal/dbtest"
	"docket/internal/idempotency"
	"docket/internal/planner"
	"docket/internal/server"
	"docket/internal/viewer"
)

// log is a text that several write.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

// TestPanic asks an API whose clock panics, and one that is nothing but a panic:
// both log where, and with what on the stack.
func TestPanic(t *testing.T) {
	t.Parallel()
	var written log
	logger := slog.New(slog.NewJSONHandler(&written, nil))
	api := clockless(t, logger)
	for _, handler := range []http.Handler{
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			api.ServeHTTP(w, r.WithContext(viewer.NewContext(r.Context(), viewer.Local())))
		}),
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("on purpose") }),
	} {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		s := server.Server{API: handler, Ready: func(context.Context) error { return nil }, Timeout: time.Second, Log: logger}
		go func() { ended <- s.Run(ctx, l) }()
		secrets := talk(t, l.Addr().String())
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if !bytes.Contains(written.text.Bytes(), []byte("on purpose")) {
			t.Error("nothing has panicked")
		}
		tell(t, secrets, "the log", written.text.Bytes())
		written.text.Reset()
	}
}

// clockless is the API with a clock that panics.
func clockless(t *testing.T, logger *slog.Logger) http.Handler {
	t.Helper()
	db := dbtest.Open(t, "sqlite")
	cursors, err := planner.NewCursors([]byte("sixteen bytes, no fewer"))
	if err != nil {
		t.Fatal(err)
	}
	api, err := gql.NewHandler(gql.Config{
		DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, Keys: idempotency.Keys{Keep: time.Hour}, Cursors: cursors,
		Rules:  booking.Rules{SlotLength: 15 * time.Minute, HoldLength: time.Hour},
		Limits: planner.Limits{Page: 50, MaxPage: 500, Filter: 8, Conditions: 500, Depth: 12, Lists: 200, Fields: 2000, Rows: 250_000, Values: 300_000, Parameters: 5000},
		Clock:  func() time.Time { panic("on purpose") }, Log: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	return api
}
