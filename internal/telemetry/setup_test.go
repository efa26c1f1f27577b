package telemetry_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"docket/internal/telemetry"
)

// start starts telemetry with metrics, in the test's own process.
func start(t testing.TB) *telemetry.Telemetry {
	t.Helper()
	told, err := telemetry.Start(t.Context(), telemetry.Settings{Environment: "test", Metrics: true, Log: slog.DiscardHandler, Clock: time.Now})
	must(t, err)
	t.Cleanup(func() { told.Stop(context.Background()) })
	return told
}

// scrape is what Prometheus would get.
func scrape(t testing.TB, told *telemetry.Telemetry) string {
	t.Helper()
	w := httptest.NewRecorder()
	told.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	return w.Body.String()
}

// series are those of a metric with the beginning.
func series(metrics, beginning string) (found []string) {
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, beginning) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
