package ratelimit

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"docket/internal/refusal"
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

// refuse answers 429 (RFC 6585, 4).
func (s standing) refuse(w http.ResponseWriter, r *http.Request, now time.Time) {
	at := now.Add(s.next + time.Second - 1).UTC().Truncate(time.Second)
	refusal.Refusal{
		Status: http.StatusTooManyRequests, Code: "RATE_LIMITED", Message: fmt.Sprintf("Too many requests; try again in %d s.", seconds(s.next)),
		Facts: map[string]any{"retryAfter": at.Format(time.RFC3339)}, Wait: s.next,
	}.Write(w, r)
}

// unavailable answers where requests cannot be counted and none may pass uncounted.
func unavailable(w http.ResponseWriter, r *http.Request) {
	refusal.Unavailable("The service cannot take requests now; try again.", retry).Write(w, r)
}
