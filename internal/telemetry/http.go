package telemetry

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"docket/internal/refusal"
)

// HTTP measures requests, and finds out which trace they belong to. It does what
// otelhttp would without the labels that clients choose: that one measures by Host.
func (t *Telemetry) HTTP(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	var known sets[requestKey]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, ctx := t.Clock(), r.Context()
		answer := &answer{ResponseWriter: w}
		t.active.Add(ctx, 1)
		defer func() {
			t.active.Add(ctx, -1)
			key := requestKey{method(r.Method), route(r.URL.Path), cmp.Or(answer.status, http.StatusOK)}
			t.requests.Record(ctx, t.Clock().Sub(start).Seconds(), known.of(key, requestKey.attributes))
		}()
		within := refusal.Watch(t.continued(ctx, r), func(code string) { t.Refused(ctx, code) })
		next.ServeHTTP(answer, r.WithContext(within))
	})
}

type requestKey struct {
	method, route string
	status        int
}

func (k requestKey) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("http.request.method", k.method), attribute.String("http.route", k.route),
		attribute.String("http.response.status_code", strconv.Itoa(k.status)),
	}
}

// method and route have few values, whatever clients send.
func method(of string) string {
	switch of {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return of
	}
	return "_OTHER"
}

func route(path string) string {
	switch path {
	case "/graphql", "/healthz", "/readyz":
		return path
	}
	return "other"
}

// answer notes the status of an answer.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// linked is the key of the trace that a client told, where it is not continued.
type linked struct{}

// continued is ctx within the trace that the request says it is part of
// (W3C Trace Context). Only of those whose word is taken it is continued, and sampled
// as they say: anyone else could have all that they send traced, or write into the
// traces of others. Theirs is linked to.
func (t *Telemetry) continued(ctx context.Context, r *http.Request) context.Context {
	if r.Header.Get("Traceparent") == "" {
		return ctx
	}
	told := propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	if t.Parents != nil && t.Parents(r) {
		return told
	}
	return context.WithValue(ctx, linked{}, trace.SpanContextFromContext(told))
}

// rootOf are the options of the first span of a context.
func rootOf(ctx context.Context, at time.Time) []trace.SpanStartOption {
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(at)}
	if link, ok := ctx.Value(linked{}).(trace.SpanContext); ok && link.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: link}))
	}
	return options
}
