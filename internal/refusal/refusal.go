// Package refusal answers requests that do not get as far as GraphQL, in its form.
package refusal

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The media types of answers (GraphQL over HTTP, 4.1 Media Types).
const (
	PlainJSON    = "application/json"
	ResponseJSON = "application/graphql-response+json"
)

// Refusal is an error as docs/errors.md tells, and the status of its answer.
type Refusal struct {
	Status  int
	Code    string
	Message string
	Facts   map[string]any
	Wait    time.Duration     // when to come again, if that helps; in whole seconds
	Header  map[string]string // besides
}

type watchKey struct{}

// Watch has told called with the code of each refusal that answers a request of ctx.
func Watch(ctx context.Context, told func(code string)) context.Context {
	return context.WithValue(ctx, watchKey{}, told)
}

// Write answers the request (GraphQL over HTTP, 6 Response; Retry-After, RFC 9110,
// 10.2.3).
func (f Refusal) Write(w http.ResponseWriter, r *http.Request) {
	if told, ok := r.Context().Value(watchKey{}).(func(code string)); ok {
		told(f.Code)
	}
	h := w.Header()
	for name, value := range f.Header {
		h.Set(name, value)
	}
	h.Set("Content-Type", cmp.Or(Accepted(r), PlainJSON)+"; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if f.Wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int((f.Wait+time.Second-1)/time.Second)))
	}
	w.WriteHeader(f.Status)
	extensions := map[string]any{"code": f.Code}
	for name, fact := range f.Facts {
		extensions[name] = fact
	}
	type problem struct {
		Message    string         `json:"message"`
		Extensions map[string]any `json:"extensions"`
	}
	_ = json.NewEncoder(w).Encode(map[string][]problem{"errors": {{f.Message, extensions}}})
}

// Unavailable is the refusal of what may be tried again, as nothing was done.
func Unavailable(message string, wait time.Duration) Refusal {
	return Refusal{
		Status: http.StatusServiceUnavailable, Code: "UNAVAILABLE", Message: message, Facts: map[string]any{"retryable": true, "done": false}, Wait: wait,
	}
}

// Internal is the refusal of what went wrong inside, for the log to have it under
// the id.
func Internal() (f Refusal, id string) {
	id = rand.Text()[:12]
	return Refusal{
		Status: http.StatusInternalServerError, Code: "INTERNAL", Facts: map[string]any{"id": id},
		Message: "Something went wrong here; the log of the service has it under this id.",
	}, id
}

// Accepted is the media type to answer a request with; "" where none is acceptable. What is
// refused by its name is not meant by a wildcard (RFC 9110, 12.5.1).
func Accepted(r *http.Request) string {
	header := strings.Join(r.Header.Values("Accept"), ",")
	if header == "" {
		return PlainJSON
	}
	response, plain, refused := false, false, map[string]bool{}
	for one := range strings.SplitSeq(header, ",") {
		typ, params, err := mime.ParseMediaType(one)
		if q, qerr := strconv.ParseFloat(params["q"], 64); err != nil || qerr == nil && q == 0 {
			refused[typ] = true
			continue
		}
		switch typ {
		case ResponseJSON:
			response = true
		case PlainJSON, "application/*", "*/*":
			plain = true
		}
	}
	switch {
	case response && !refused[ResponseJSON]:
		return ResponseJSON
	case plain && !refused[PlainJSON]:
		return PlainJSON
	case plain && !refused[ResponseJSON]:
		return ResponseJSON
	}
	return ""
}
