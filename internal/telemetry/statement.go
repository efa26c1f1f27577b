package telemetry

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
	"strings"

	"github.com/lib/pq"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"modernc.org/sqlite"
)

// Statements observe what a database is sent, as database.Observer.
type Statements struct {
	t      *Telemetry
	system string
	known  *sets[statementKey]
}

// Statements are those of a database: "postgresql" or "sqlite".
func (t *Telemetry) Statements(system string) Statements {
	return Statements{t, system, &sets[statementKey]{}}
}

// maxText is how much of a statement is exported, in bytes.
const maxText = 4 << 10

// Statement begins a span where there is one around it that is recorded. Texts have
// no values of requests in them, arguments have, and what the database says of
// an error quotes them: only its code is told.
func (s Statements) Statement(ctx context.Context, text string, _ []driver.NamedValue) func(rows int64, err error) {
	start, verb := s.t.Clock(), verbOf(text)
	var span trace.Span
	if trace.SpanFromContext(ctx).IsRecording() {
		ctx, span = s.t.tracer.Start(ctx, verb, trace.WithTimestamp(start), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("db.system.name", s.system), attribute.String("db.operation.name", verb),
			attribute.String("db.query.text", strings.ToValidUTF8(text[:min(len(text), maxText)], "")),
		))
	}
	return func(rows int64, err error) {
		end := s.t.Clock()
		key := statementKey{s.system, verb, fault(err)}
		s.t.statements.Record(ctx, end.Sub(start).Seconds(), s.known.of(key, statementKey.attributes))
		if span == nil {
			return
		}
		span.SetAttributes(attribute.Int64("db.response.returned_rows", rows))
		if key.fault != "" {
			span.SetAttributes(attribute.String("error.type", key.fault))
			span.SetStatus(codes.Error, "")
		}
		span.End(trace.WithTimestamp(end))
	}
}

type statementKey struct{ system, verb, fault string }

func (k statementKey) attributes() []attribute.KeyValue {
	all := []attribute.KeyValue{attribute.String("db.system.name", k.system), attribute.String("db.operation.name", k.verb)}
	if k.fault != "" {
		all = append(all, attribute.String("error.type", k.fault))
	}
	return all
}

// verbs are those of statements; others are other.
var verbs = []string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT", "ROLLBACK", "PREPARE"}

func verbOf(text string) string {
	text = strings.TrimLeft(text, " \t\n(")
	for _, verb := range verbs {
		if len(text) >= len(verb) && strings.EqualFold(text[:len(verb)], verb) {
			return verb
		}
	}
	return other
}

// fault is what kind of error it is: PostgreSQL's SQLSTATE, SQLite's result code, or
// who ended it.
func fault(err error) string {
	var postgres *pq.Error
	var lite *sqlite.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &postgres):
		return string(postgres.Code)
	case errors.As(err, &lite):
		return "SQLITE_" + strconv.Itoa(lite.Code())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "ended"
	}
	return other
}
