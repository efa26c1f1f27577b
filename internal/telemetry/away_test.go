package telemetry_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"docket/internal/dbtest"
)

// Whoever receives may be away, hang, or refuse: requests are answered as if it
// were not there, the log says so now and then, and the server ends in time.
func TestReceiverAway(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // nobody accepts
	must(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	gone, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	must(t, gone.Close())
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refusing.Close)
	for name, url := range map[string]string{"hangs": "http://" + silent.Addr().String(), "is away": "http://" + gone.Addr().String(), "refuses": refusing.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, dbtest.URL(t, "sqlite"), []string{
				"OTEL_EXPORTER_OTLP_ENDPOINT=" + url, "OTEL_EXPORTER_OTLP_TIMEOUT=100", "OTEL_METRIC_EXPORT_INTERVAL=50", "OTEL_METRIC_EXPORT_TIMEOUT=100",
				"OTEL_BSP_SCHEDULE_DELAY=10", "OTEL_BSP_EXPORT_TIMEOUT=100", "OTEL_BSP_MAX_QUEUE_SIZE=16", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=8", "OTEL_BLRP_SCHEDULE_DELAY=10", "OTEL_BLRP_EXPORT_TIMEOUT=100",
			}, "--operation-log=on")
			begin := time.Now()
			for range 300 { // many times what the queue holds
				if answer := s.ask(t, `query Fine { clients { totalCount } }`, nil); answer != `{"data":{"clients":{"totalCount":0}}}` {
					t.Fatal(answer)
				}
			}
			if each := time.Since(begin) / 300; each > 50*time.Millisecond { // each export takes twice as long
				t.Errorf("an answer takes %v", each)
			}
			for _, signal := range []string{"traces", "metrics", "logs"} {
				until(t, "the log says nothing of "+signal, func() bool {
					return strings.Contains(s.wrote(t), "telemetry is lost: it could not be exported\" service=docket env=local version=") && strings.Contains(s.wrote(t), "signal="+signal)
				})
			}
			until(t, "exports fail once", func() bool {
				return len(series(s.scrape(t), "docket_telemetry_export_failures_total{")) == 3
			})
			stopping := time.Now()
			s.stop(t)
			if took := time.Since(stopping); took > 20*time.Second {
				t.Errorf("it takes %v to stop", took)
			}
			var others int
			for line := range strings.Lines(s.wrote(t)) {
				// The SDK has lines of its own for what is cut off by the end.
				if strings.Contains(line, "level=WARN") && !strings.Contains(line, "before the end") || !strings.Contains(line, "level=") && !strings.HasSuffix(line, " context canceled\n") {
					others++
				}
			}
			if others > 3 { // once for each signal in a minute
				t.Errorf("the log says so %d times", others)
			}
		})
	}
}
