package ratelimit_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"docket/internal/address"
	"docket/internal/ratelimit"
	"docket/internal/redistest"
	"docket/internal/viewer"
)

// TestMemoryIsBounded has a million addresses use up what they have: whoever
// has many cannot have the server keep them all.
func TestMemoryIsBounded(t *testing.T) { //nolint:paralleltest // it looks at the memory of the process
	proxies, err := address.Parse("127.0.0.1")
	must(t, err)
	l := ratelimit.New(ratelimit.Config{Identity: 1, Address: 1, Window: time.Hour, Store: ratelimit.NewMemory(time.Now), Proxies: proxies, Clock: time.Now})
	h := l.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	r.RemoteAddr = "127.0.0.1:1"
	w, before := nobody{http.Header{}}, used()
	for i := range 1_000_000 {
		r.Header["X-Forwarded-For"] = []string{fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff)}
		h.ServeHTTP(w, r)
	}
	grown := used() - before
	t.Logf("a million addresses take %.1f MB", float64(grown)/(1<<20))
	if grown > 48<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
	runtime.KeepAlive(l)
}

// used is what is alive, in bytes.
func used() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // less than 8 EB
}

// nobody reads what it is answered.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header         { return n.header }
func (n nobody) Write(p []byte) (int, error) { return len(p), nil }
func (n nobody) WriteHeader(int)             {}

// BenchmarkRequest is what a request costs with a limiter and without, over real
// HTTP on one connection.
func BenchmarkRequest(b *testing.B) {
	api := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") })
	limited := func(s ratelimit.Store) http.Handler {
		l := ratelimit.New(ratelimit.Config{Identity: 1_000_000, Address: 1_000_000, Window: time.Second, Store: s, Clock: time.Now})
		inner := l.Handler(api)
		return l.Failures(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(w, r.WithContext(viewer.NewContext(r.Context(), viewer.Local())))
		}))
	}
	for name, handler := range map[string]func() http.Handler{
		"without": func() http.Handler { return api },
		"memory":  func() http.Handler { return limited(ratelimit.NewMemory(time.Now)) },
		"Redis":   func() http.Handler { return limited(shared(b, redistest.Start(b), nil)) },
		"away": func() http.Handler {
			return limited(ratelimit.NewShared(ratelimit.SharedConfig{URL: "redis://127.0.0.1:1", Patience: patience, Clock: time.Now, Log: slog.New(slog.DiscardHandler)}))
		},
	} {
		b.Run(name, func(b *testing.B) {
			h := handler()
			b.Run("handler", func(b *testing.B) {
				b.ReportAllocs()
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", nil)
				for b.Loop() {
					h.ServeHTTP(nobody{http.Header{}}, r)
				}
			})
			s := httptest.NewServer(h)
			defer s.Close()
			b.Run("HTTP", func(b *testing.B) {
				for b.Loop() {
					r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.URL, nil)
					must(b, err)
					if got := send(b, r); got.status != http.StatusOK {
						b.Fatal(got.status)
					}
				}
			})
		})
	}
}
