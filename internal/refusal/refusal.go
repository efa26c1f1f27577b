// Package refusal answers requests that do not get as far as GraphQL, in its form.
package refusal

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	plainJSON    = "application/json"
	responseJSON = "application/graphql-response+json"
)

// Refusal is an error as docs/errors.md tells, and the status of its answer.
type Refusal struct {
	Status  int
	Code    string
	Message string
	Facts   map[string]any
	Wait    time.Duration // when to come again, if that helps; in whole seconds
}

// Write answers the request (GraphQL over HTTP, 6 Response; Retry-After, RFC 9110,
// 10.2.3).
func (f Refusal) Write(w http.ResponseWriter, r *http.Request) {
	typ := plainJSON
	if strings.Contains(strings.Join(r.Header.Values("Accept"), ","), responseJSON) {
		typ = responseJSON
	}
	h := w.Header()
	h.Set("Content-Type", typ+"; charset=utf-8")
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
	return Refusal{http.StatusServiceUnavailable, "UNAVAILABLE", message, map[string]any{"retryable": true, "done": false}, wait}
}

// Internal is the refusal of what went wrong inside; the log has it under the id.
func Internal(id string) Refusal {
	return Refusal{
		Status: http.StatusInternalServerError, Code: "INTERNAL", Facts: map[string]any{"id": id},
		Message: "Something went wrong here; the log of the service has it under this id.",
	}
}
