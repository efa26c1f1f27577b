package telemetry_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	span "go.opentelemetry.io/proto/otlp/trace/v1"

	"docket/internal/certtest"
	"docket/internal/dbtest"
)

// exporting are the variables of a docket that exports to the receiver.
func exporting(r *receiver, more ...string) []string {
	return append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + r.URL, "OTEL_BSP_SCHEDULE_DELAY=50", "OTEL_BLRP_SCHEDULE_DELAY=50", "OTEL_METRIC_EXPORT_INTERVAL=200"}, more...)
}

// TestReservation follows one through a server to the receiver: its operation,
// the decision within that, and the statements of both.
func TestReservation(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			r := receive(t)
			s := serve(t, dbtest.URL(t, dialect), exporting(r, "OTEL_RESOURCE_ATTRIBUTES=service.version=1.2.3,deployment.environment.name=test", "OTEL_EXPORTER_OTLP_HEADERS=api-key=it%20is%20me"), "--operation-log", "on")
			planted := "Planted" + rand.Text()
			client, appointment := s.slot(t, planted)
			if answer := s.book(t, client, appointment); !strings.Contains(answer, `"HELD"`) {
				t.Fatal(answer)
			}
			root, _ := r.await(t, "mutation Book")
			s.stop(t) // which exports what is queued
			_, trace := r.await(t, "mutation Book")

			if root.Kind != span.Span_SPAN_KIND_SERVER || len(root.ParentSpanId) != 0 || root.Status.GetCode() != span.Status_STATUS_CODE_UNSET {
				t.Errorf("the operation is %v", root)
			}
			for name, want := range map[string]string{
				"graphql.operation.type": "mutation", "graphql.operation.name": "Book", "docket.outcome": "ok",
				"docket.operation.fields": "reservationCreate ", "graphql.document": "", "docket.error.codes": "",
			} {
				if got := attribute(root.Attributes, name); got != want {
					t.Errorf("%s of the operation is %q, want %q", name, got, want)
				}
			}
			if hash := attribute(root.Attributes, "docket.document.sha256"); len(hash) != 64 {
				t.Errorf("the document is %q", hash)
			}
			decision := one(t, trace, root, "booking reserve")
			if rows := attribute(decision.Attributes, "docket.booking.rows"); rows != client+" "+appointment+" " || attribute(decision.Attributes, "docket.booking.outcome") != "DONE" {
				t.Errorf("the decision is about %q: %v", rows, decision)
			}
			for name, parent := range map[string]*span.Span{"BEGIN": root, "COMMIT": root, "INSERT": decision} {
				statement := one(t, trace, parent, name)
				if statement.Kind != span.Span_SPAN_KIND_CLIENT {
					t.Errorf("%s is no statement: %v", name, statement)
				}
				if statement.StartTimeUnixNano < root.StartTimeUnixNano || statement.EndTimeUnixNano > root.EndTimeUnixNano {
					t.Errorf("%s is not within the time of its operation", name)
				}
			}
			insert := one(t, trace, decision, "INSERT")
			if text := attribute(insert.Attributes, "db.query.text"); !strings.HasPrefix(text, "INSERT INTO") || !strings.ContainsAny(text, "?$") {
				t.Errorf("the text is %q", text)
			}
			if system := attribute(insert.Attributes, "db.system.name"); system != map[string]string{"sqlite3": "sqlite", "postgres": "postgresql"}[dialect] {
				t.Errorf("the system is %q", system)
			}
			for name, want := range map[string]string{"service.name": "docket", "service.version": "1.2.3", "deployment.environment.name": "test"} {
				if got := attribute(r.from, name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			for _, h := range r.headers {
				if h.Get("Api-Key") != "it is me" {
					t.Errorf("the headers are %v", h)
				}
			}
			r.logged(t, s, root)
			r.measured(t)
			if strings.Contains(string(r.raw)+s.wrote(t), planted) {
				t.Error("somebody's name is told")
			}
		})
	}
}

// one is the first span of a trace with the name, within another.
func one(t *testing.T, trace []*span.Span, parent *span.Span, name string) *span.Span {
	t.Helper()
	var names []string
	for _, s := range trace {
		if s.Name == name && string(s.ParentSpanId) == string(parent.SpanId) {
			return s
		}
		names = append(names, s.Name)
	}
	t.Fatalf("there is no span %s in %s, among %q", name, parent.Name, names)
	return nil
}

// logged holds both exits of the log against the span of an operation.
func (r *receiver) logged(t *testing.T, s *served, root *span.Span) {
	t.Helper()
	var record bool
	for _, l := range r.logs {
		if string(l.TraceId) == string(root.TraceId) && string(l.SpanId) == string(root.SpanId) {
			record = l.Body.GetStringValue() == "operation" && attribute(l.Attributes, "operation") == "Book" && attribute(l.Attributes, "outcome") == "ok"
		}
	}
	if !record {
		t.Errorf("the operation is not among the records: %v", r.logs)
	}
	if !strings.Contains(s.wrote(t), "trace_id="+id(root.TraceId)+" span_id="+id(root.SpanId)) {
		t.Error("the operation is not in the log")
	}
}

// measured holds that the receiver got metrics, too.
func (r *receiver) measured(t *testing.T) {
	t.Helper()
	var names []string
	for _, m := range r.metrics {
		names = append(names, m.Name)
	}
	for _, want := range []string{"docket.operation.duration", "docket.booking.decisions", "db.client.operation.duration", "db.client.connection.count", "docket.holds", "go.goroutine.count"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among the metrics", want)
		}
	}
}

// TestJSON reads the log of a server that others depend on, as DataDog does.
func TestJSON(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t, dbtest.URL(t, "sqlite"), exporting(r, "OTEL_SERVICE_NAME=desk", "OTEL_RESOURCE_ATTRIBUTES=service.version=1.2.3"),
		"--environment", "staging", "--insecure", "--cursor-secret", "sixteen bytes, no fewer")
	s.ask(t, `query Hello { clients { totalCount } }`, nil)
	root, _ := r.await(t, "query Hello")
	for line := range strings.Lines(s.wrote(t)) {
		var is map[string]any
		must(t, json.Unmarshal([]byte(line), &is))
		if is["service"] != "desk" || is["env"] != "staging" || is["version"] != "1.2.3" {
			t.Errorf("the line is of another service: %s", line)
		}
		if is["msg"] != "operation" {
			continue
		}
		low, err := strconv.ParseUint(id(root.TraceId)[16:], 16, 64)
		must(t, err)
		spanID, err := strconv.ParseUint(id(root.SpanId), 16, 64)
		must(t, err)
		for name, want := range map[string]any{
			"trace_id": id(root.TraceId), "span_id": id(root.SpanId), "dd.trace_id": fmt.Sprint(low), "dd.span_id": fmt.Sprint(spanID),
			"operation": "Hello", "type": "query", "outcome": "ok",
		} {
			if is[name] != want {
				t.Errorf("%s is %v, want %v", name, is[name], want)
			}
		}
		if took, ok := is["duration"].(float64); !ok || took <= 0 || took > 60e9 {
			t.Errorf("the duration is %v", is["duration"])
		}
		return
	}
	t.Error("there is no line for the operation")
}

// TestOutcomes asks what is refused, and what fails.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t, dbtest.URL(t, "sqlite"), exporting(r))
	client, appointment := s.slot(t, "Ada")
	s.book(t, client, appointment)
	other, _ := s.slot(t, "Bob")
	if answer := s.book(t, other, appointment); !strings.Contains(answer, "SLOT_HELD") {
		t.Fatal(answer)
	}
	s.ask(t, `query Wrong { nothing }`, nil)
	s.ask(t, `{ clients { totalCount } }`, nil)
	s.ask(t, `query Absent { client(id: "`+base64.StdEncoding.EncodeToString([]byte("Client:999"))+`") { id } }`, nil)
	once := map[string]any{"in": map[string]any{"firstName": "Eve", "lastName": "Once", "idempotencyKey": "once"}}
	for range 2 {
		s.ask(t, `mutation Once($in: ClientCreateInput!) { clientCreate(input: $in) { client { id } } }`, once)
	}
	until(t, "two are not booked", func() bool { return len(r.named("mutation Book")) == 2 })
	refused := r.named("mutation Book")[1]
	if attribute(refused.Attributes, "docket.outcome") != "refused" || attribute(refused.Attributes, "docket.error.codes") != "SLOT_HELD " || refused.Status.GetCode() != span.Status_STATUS_CODE_UNSET {
		t.Errorf("the one who came too late: %v", refused)
	}
	metrics := s.scrape(t)
	for _, want := range []string{
		`docket_booking_decisions_total{outcome="DONE",verb="reserve"} 1`,
		`docket_booking_decisions_total{outcome="SLOT_HELD",verb="reserve"} 1`,
		`docket_booking_decisions_total{outcome="DONE",verb="open"} 2`,
		`docket_errors_total{code="SLOT_HELD"} 1`,
		`docket_errors_total{code="GRAPHQL_VALIDATION_FAILED"} 1`,
		`docket_operation_duration_seconds_count{operation="Book",outcome="ok",type="mutation"} 1`,
		`docket_operation_duration_seconds_count{operation="Book",outcome="refused",type="mutation"} 1`,
		`docket_operation_duration_seconds_count{operation="invalid",outcome="refused",type="invalid"} 1`,
		`docket_operation_duration_seconds_count{operation="anonymous",outcome="ok",type="query"} 1`,
		`docket_operation_fields_total{field="reservationCreate",type="mutation"} 2`,
		`docket_idempotency_replays_total 1`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// TestCertificate asks a server with TLS when that ends.
func TestCertificate(t *testing.T) {
	t.Parallel()
	cert, key := certtest.New(t).Files(t, "docket.example", "localhost")
	s := serve(t, dbtest.URL(t, "sqlite"), nil, "--tls-cert", cert, "--tls-key", key)
	found := series(s.scrape(t), `docket_certificate_expiry_seconds{domain="docket.example"} `)
	if len(found) != 1 {
		t.Fatalf("found %q", found)
	}
	end, err := strconv.ParseFloat(strings.Fields(found[0])[1], 64)
	must(t, err)
	if left := time.Until(time.Unix(int64(end), 0)); left < 50*time.Minute || left > time.Hour { // it is signed for an hour
		t.Errorf("it ends in %v", left)
	}
}
