package ratelimit_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"docket/internal/address"
	"docket/internal/ratelimit"
	"docket/internal/viewer"
)

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2030, 1, 7, 12, 0, 0, 3e8, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// site is a server behind a limiter. It believes a token "of NAME", turns away
// any other, and asks for none.
type site struct {
	*httptest.Server
	clock *clock
	asked int // how many requests had their token looked at
}

// serve allows 6 a minute to an identity and 3 to an address, unless changed.
// The peer is a proxy: a request says itself, in X-Forwarded-For, where it is from.
func serve(t testing.TB, change func(*ratelimit.Config)) *site {
	t.Helper()
	s := &site{clock: newClock()}
	proxies, err := address.Parse("127.0.0.1")
	must(t, err)
	c := ratelimit.Config{
		Identity: 6, Address: 3, Window: time.Minute,
		Store: ratelimit.NewMemory(s.clock.Now), Proxies: proxies, Clock: s.clock.Now,
	}
	if change != nil {
		change(&c)
	}
	l := ratelimit.New(c)
	api := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") }))
	identity := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token := r.Header.Get("Authorization"); token != "" {
			s.asked++
			subject, ok := strings.CutPrefix(token, "of")
			if !ok {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			r = r.WithContext(viewer.NewContext(r.Context(), viewer.Viewer{Subject: strings.TrimSpace(subject)}))
		}
		api.ServeHTTP(w, r)
	})
	s.Server = httptest.NewServer(l.Failures(identity))
	t.Cleanup(func() { s.Server.Close(); must(t, l.Close()) })
	return s
}

type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request from an address, with a token unless it is empty.
func (s *site) ask(t testing.TB, from, token string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, nil)
	must(t, err)
	r.Header.Set("X-Forwarded-For", from)
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	return send(t, r)
}

func send(t testing.TB, r *http.Request) reply {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	return reply{answer.StatusCode, answer.Header, string(body)}
}

// asks sends so many, and returns how many were answered with each status.
func (s *site) asks(t testing.TB, n int, from, token string) map[int]int {
	t.Helper()
	statuses := map[int]int{}
	for range n {
		statuses[s.ask(t, from, token).status]++
	}
	return statuses
}

// refusal is the one error of a GraphQL response.
func (r reply) refusal(t testing.TB) (message string, extensions map[string]any) {
	t.Helper()
	var body struct {
		Errors []struct {
			Message    string
			Extensions map[string]any
		}
	}
	if err := json.Unmarshal([]byte(r.body), &body); err != nil || len(body.Errors) != 1 {
		t.Fatalf("not a GraphQL error: %q (%v)", r.body, err)
	}
	return body.Errors[0].Message, body.Errors[0].Extensions
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// within waits for something to happen.
func within(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is not so that %s", what)
		}
	}
}
