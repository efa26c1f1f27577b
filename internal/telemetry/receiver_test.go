package telemetry_test

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	logs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logrecord "go.opentelemetry.io/proto/otlp/logs/v1"
	measured "go.opentelemetry.io/proto/otlp/metrics/v1"
	span "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver receives OTLP over HTTP, and keeps it.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	raw     []byte // all that came, as it came
	headers []http.Header
	spans   []*span.Span
	logs    []*logrecord.LogRecord
	metrics []*measured.Metric
	from    []*common.KeyValue // the resource of what came last
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, q *http.Request) {
		take(t, r, w, q, &traces.ExportTraceServiceRequest{}, func(m *traces.ExportTraceServiceRequest) {
			for _, of := range m.ResourceSpans {
				r.from = of.Resource.Attributes
				for _, in := range of.ScopeSpans {
					r.spans = append(r.spans, in.Spans...)
				}
			}
		})
	})
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, q *http.Request) {
		take(t, r, w, q, &metrics.ExportMetricsServiceRequest{}, func(m *metrics.ExportMetricsServiceRequest) {
			for _, of := range m.ResourceMetrics {
				for _, in := range of.ScopeMetrics {
					r.metrics = append(r.metrics, in.Metrics...)
				}
			}
		})
	})
	mux.HandleFunc("POST /v1/logs", func(w http.ResponseWriter, q *http.Request) {
		take(t, r, w, q, &logs.ExportLogsServiceRequest{}, func(m *logs.ExportLogsServiceRequest) {
			for _, of := range m.ResourceLogs {
				for _, in := range of.ScopeLogs {
					r.logs = append(r.logs, in.LogRecords...)
				}
			}
		})
	})
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)
	return r
}

// take decodes a request, and keeps what is in it.
func take[M proto.Message](t *testing.T, r *receiver, w http.ResponseWriter, q *http.Request, message M, keep func(M)) {
	body := io.Reader(q.Body)
	if q.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			t.Error(err)
			return
		}
		body = unzipped
	}
	raw, err := io.ReadAll(body)
	if err == nil {
		err = proto.Unmarshal(raw, message)
	}
	if err != nil || q.Header.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("%s: %v, of type %s", q.URL, err, q.Header.Get("Content-Type"))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw, r.headers = append(r.raw, raw...), append(r.headers, q.Header)
	keep(message)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// all are the spans so far.
func (r *receiver) all() []*span.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// named are the spans with the name.
func (r *receiver) named(name string) (found []*span.Span) {
	for _, s := range r.all() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// await waits for a span with the name, and for all that are in its trace.
func (r *receiver) await(t *testing.T, name string) (*span.Span, []*span.Span) {
	t.Helper()
	until(t, "no span "+name, func() bool { return len(r.named(name)) > 0 })
	root, trace := r.named(name)[0], []*span.Span(nil)
	for _, s := range r.all() {
		if string(s.TraceId) == string(root.TraceId) {
			trace = append(trace, s)
		}
	}
	return root, trace
}

// attribute is one of a span, a record or a resource; "" where it has none.
func attribute(all []*common.KeyValue, name string) string {
	for _, a := range all {
		if a.Key != name {
			continue
		}
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			return v.StringValue
		case *common.AnyValue_ArrayValue:
			text := ""
			for _, one := range v.ArrayValue.Values {
				text += one.GetStringValue() + " "
			}
			return text
		}
		return a.Value.String()
	}
	return ""
}

func id(of []byte) string { return hex.EncodeToString(of) }
