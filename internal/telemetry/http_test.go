package telemetry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"docket/internal/refusal"
	"docket/internal/telemetry"
)

// requests sends a hundred to what answers 200 at /graphql, 404 elsewhere.
func requests(t *testing.T, told *telemetry.Telemetry) {
	t.Helper()
	h := told.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/graphql" {
			http.NotFound(w, r)
		}
	}))
	for i := range 100 {
		for _, r := range []*http.Request{
			httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil),
			httptest.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("/%d", i), nil),
			httptest.NewRequestWithContext(t.Context(), fmt.Sprintf("METHOD%d", i), "/nowhere", nil),
		} {
			r.Host = fmt.Sprintf("host%d", i)
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
}

// What is refused before GraphQL is counted by its code, and with its status.
func TestRefusals(t *testing.T) {
	t.Parallel()
	told := start(t)
	h := told.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refusal.Refusal{Status: http.StatusTooManyRequests, Code: "RATE_LIMITED"}.Write(w, r)
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil))
	metrics := scrape(t, told)
	for _, want := range []string{
		`docket_errors_total{code="RATE_LIMITED"} 1`,
		`http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="429",http_route="/graphql"} 1`,
		`http_server_active_requests 0`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// A handler that ends the connection is measured, and ends it.
func TestAbort(t *testing.T) {
	t.Parallel()
	told := start(t)
	server := httptest.NewServer(told.HTTP(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	must(t, err)
	if response, err := http.DefaultClient.Do(r); err == nil {
		_ = response.Body.Close()
		t.Error("there was an answer")
	}
	if metrics := scrape(t, told); !strings.Contains(metrics, "http_server_active_requests 0\n") {
		t.Error("a request is still active")
	}
}

// Where nothing is wanted, nothing goes around a request.
func TestNothing(t *testing.T) {
	t.Parallel()
	told, err := telemetry.Start(t.Context(), telemetry.Settings{})
	must(t, err)
	told.Stop(t.Context())
	if told != nil || told.Handler() != nil {
		t.Error("there is some telemetry")
	}
	if h := http.NotFoundHandler(); fmt.Sprint(told.HTTP(h)) != fmt.Sprint(h) {
		t.Error("something goes around requests")
	}
}
