package ratelimit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// header tells where the client stands. RateLimit-Policy and RateLimit are of
// draft-ietf-httpapi-ratelimit-headers-11; the other three, of the drafts up to
// 06, are what most clients read. Names are as net/http writes them.
func (s standing) header(h http.Header) {
	remaining, next := strconv.Itoa(s.remaining), strconv.Itoa(seconds(s.next))
	h["Ratelimit-Policy"] = []string{s.quota.policy()}
	h["Ratelimit"] = []string{`"` + s.quota.Name + `";r=` + remaining + `;t=` + next}
	h["Ratelimit-Limit"] = []string{strconv.Itoa(s.quota.Requests)}
	h["Ratelimit-Remaining"] = []string{remaining}
	h["Ratelimit-Reset"] = []string{next}
}

// seconds rounds up: who comes when told finds room.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// failure is an error as docs/errors.md tells.
type failure struct {
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions"`
}

// refuse answers 429 (RFC 6585, 4).
func (s standing) refuse(w http.ResponseWriter, r *http.Request, now time.Time) {
	wait := seconds(s.next)
	at := now.Add(s.next + time.Second - 1).UTC().Truncate(time.Second)
	answer(w, r, http.StatusTooManyRequests, wait, failure{
		fmt.Sprintf("Too many requests; try again in %d s.", wait),
		map[string]any{"code": "RATE_LIMITED", "retryAfter": at.Format(time.RFC3339)},
	})
}

// unavailable answers where requests cannot be counted and none may pass uncounted.
func unavailable(w http.ResponseWriter, r *http.Request) {
	answer(w, r, http.StatusServiceUnavailable, seconds(retry), failure{
		"The service cannot take requests now; try again.",
		map[string]any{"code": "UNAVAILABLE", "retryable": true, "done": false},
	})
}

// answer writes a GraphQL response (GraphQL over HTTP, 6), with when to come
// again, in seconds (Retry-After, RFC 9110, 10.2.3).
func answer(w http.ResponseWriter, r *http.Request, status, wait int, f failure) {
	typ := "application/json"
	if strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "application/graphql-response+json") {
		typ = "application/graphql-response+json"
	}
	h := w.Header()
	h.Set("Content-Type", typ+"; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", strconv.Itoa(wait))
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string][]failure{"errors": {f}})
}
