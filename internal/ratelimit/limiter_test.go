package ratelimit_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"docket/internal/ratelimit"
	"docket/internal/viewer"
)

// TestWhoIsCounted sends ten requests, and tells how many pass.
func TestWhoIsCounted(t *testing.T) {
	t.Parallel()
	type request struct{ from, token string }
	same := func(from, token string) func(int) request {
		return func(int) request { return request{from, token} }
	}
	tests := map[string]struct {
		nth    func(int) request
		passed int
	}{
		"an identity":                     {same("203.0.113.5", "of anna"), 6},
		"an address":                      {same("203.0.113.5", ""), 3},
		"an identity at many addresses":   {func(i int) request { return request{fmt.Sprintf("203.0.113.%d", i), "of anna"} }, 6},
		"many identities at one address":  {func(i int) request { return request{"203.0.113.5", fmt.Sprintf("of %d", i)} }, 10},
		"many addresses":                  {func(i int) request { return request{fmt.Sprintf("203.0.113.%d", i), ""} }, 10},
		"ports of an address":             {func(i int) request { return request{fmt.Sprintf("203.0.113.5:%d", 1000+i), ""} }, 3},
		"lies about the address":          {func(i int) request { return request{fmt.Sprintf("198.51.100.%d, 203.0.113.5", i), ""} }, 3},
		"addresses of a network, IPv6":    {func(i int) request { return request{fmt.Sprintf("2001:db8::%x:%x", i, i), ""} }, 3},
		"networks, IPv6":                  {func(i int) request { return request{fmt.Sprintf("2001:db8:0:%x::1", i), ""} }, 10},
		"a subject that is an address":    {func(i int) request { return []request{{"203.0.113.5", ""}, {"", "of 203.0.113.5"}}[i%2] }, 3 + 5},
		"a subject that is a key":         {func(i int) request { return []request{{"203.0.113.5", ""}, {"", "of address:203.0.113.5"}}[i%2] }, 3 + 5},
		"an empty subject":                {same("203.0.113.5", "of "), 3},
		"subjects that differ at the end": {func(i int) request { return request{"", "of " + strings.Repeat("x", 2000) + fmt.Sprint(i)} }, 10},
		"who has not said who they are and who has": {func(i int) request {
			return request{"203.0.113.5", map[bool]string{true: "of anna"}[i < 5]}
		}, 5 + 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, passed := serve(t, nil), 0
			for i := range 10 {
				switch r := tt.nth(i); s.ask(t, r.from, r.token).status {
				case http.StatusOK:
					passed++
				case http.StatusTooManyRequests:
				default:
					t.Fatal("neither passed nor refused")
				}
			}
			if passed != tt.passed {
				t.Errorf("%d of 10 passed, want %d", passed, tt.passed)
			}
		})
	}
}

// TestLocalIsOne has a server that asks for no token.
func TestLocalIsOne(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := ratelimit.New(ratelimit.Config{Identity: 2, Address: 1, Window: time.Minute, Store: ratelimit.NewMemory(c.Now), Clock: c.Now}).Handler(http.NotFoundHandler())
	var got []int
	for range 3 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(viewer.NewContext(t.Context(), viewer.Local()), http.MethodGet, "/", nil))
		got = append(got, w.Code)
	}
	if fmt.Sprint(got) != "[404 404 429]" {
		t.Error(got)
	}
}

// A token cannot name its subject so as to be counted by address instead.
func TestNobodySaysToBeLocal(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for i := range 7 {
		r := s.ask(t, fmt.Sprintf("203.0.113.%d", i), "of "+viewer.Local().Subject)
		if passed := r.status == http.StatusOK; passed != (i < 6) {
			t.Errorf("request %d: %d", i+1, r.status)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	check := func(r reply, want map[string]string) {
		t.Helper()
		for name, value := range want {
			if got := r.header.Get(name); got != value {
				t.Errorf("%s: %q, want %q", name, got, value)
			}
		}
	}
	check(s.ask(t, "203.0.113.5", ""), map[string]string{
		"RateLimit-Policy": `"address";q=3;w=60`, "RateLimit": `"address";r=2;t=20`,
		"RateLimit-Limit": "3", "RateLimit-Remaining": "2", "RateLimit-Reset": "20", "Retry-After": "",
	})
	s.clock.move(5 * time.Second)
	check(s.ask(t, "203.0.113.5", ""), map[string]string{"RateLimit": `"address";r=1;t=15`, "RateLimit-Remaining": "1", "RateLimit-Reset": "15"})
	check(s.ask(t, "203.0.113.5", "of anna"), map[string]string{"RateLimit-Policy": `"identity";q=6;w=60`, "RateLimit": `"identity";r=5;t=10`})
	s.ask(t, "203.0.113.5", "")
	s.clock.move(200 * time.Millisecond)
	r := s.ask(t, "203.0.113.5", "")
	check(r, map[string]string{
		"RateLimit-Policy": `"address";q=3;w=60`, "RateLimit": `"address";r=0;t=15`,
		"RateLimit-Limit": "3", "RateLimit-Remaining": "0", "RateLimit-Reset": "15", "Retry-After": "15",
		"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	})
	message, extensions := r.refusal(t)
	if r.status != http.StatusTooManyRequests || message != "Too many requests; try again in 15 s." ||
		!maps.Equal(extensions, map[string]any{"code": "RATE_LIMITED", "retryAfter": "2030-01-07T12:00:21Z"}) {
		t.Errorf("%d %q %v", r.status, message, extensions)
	}
	s.clock.move(15 * time.Second) // as it was told
	if r := s.ask(t, "203.0.113.5", ""); r.status != http.StatusOK {
		t.Errorf("who comes when told is answered %d", r.status)
	}
}

func TestMediaType(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *ratelimit.Config) { c.Address = 1 })
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "text/html": "application/json",
		"application/graphql-response+json, application/json;q=0.9": "application/graphql-response+json",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, nil)
		must(t, err)
		r.Header.Set("Accept", accept)
		send(t, r.Clone(t.Context()))
		if got := send(t, r); got.status != http.StatusTooManyRequests || got.header.Get("Content-Type") != want+"; charset=utf-8" {
			t.Errorf("%q: %d %s", accept, got.status, got.header.Get("Content-Type"))
		}
	}
}

// A quota comes back evenly, and never grows beyond itself.
func TestComesBack(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	passes := func(want int) {
		t.Helper()
		if got := s.asks(t, 10, "203.0.113.5", "of anna")[http.StatusOK]; got != want {
			t.Errorf("%d passed, want %d", got, want)
		}
	}
	passes(6)
	s.clock.move(10*time.Second - 1)
	passes(0)
	s.clock.move(1)
	passes(1)
	s.clock.move(25 * time.Second)
	passes(2)
	s.clock.move(5 * time.Second) // what was left over
	passes(1)
	s.clock.move(24 * time.Hour)
	passes(6)
	s.clock.move(-24 * time.Hour)
	passes(0)
	s.clock.move(24 * time.Hour) // nobody is locked out by a clock that was set back
	s.clock.move(time.Minute)
	passes(6)
}

func TestZeroIsNoLimit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		identity, address   int
		anna, nobody, liars int // of 10
	}{
		"no limit of identities": {0, 3, 10, 3, 3},
		"no limit of addresses":  {6, 0, 6, 10, 10},
		"no limit":               {0, 0, 10, 10, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(c *ratelimit.Config) { c.Identity, c.Address = tt.identity, tt.address })
			for _, one := range []struct {
				from, token string
				passed      int
			}{{"203.0.113.5", "of anna", tt.anna}, {"203.0.113.6", "", tt.nobody}, {"203.0.113.7", "a lie", tt.liars}} {
				if got := 10 - s.asks(t, 10, one.from, one.token)[http.StatusTooManyRequests]; got != one.passed {
					t.Errorf("%q: %d passed, want %d", one.token, got, one.passed)
				}
			}
			if r := s.ask(t, "203.0.113.5", "of anna"); (r.header.Get("RateLimit") == "") != (tt.identity == 0) {
				t.Errorf("the header is %q", r.header.Get("RateLimit"))
			}
		})
	}
}

// Who guesses tokens is stopped before the next is looked at; who shares the
// address may go on with what is theirs as soon as the guesses are fewer.
func TestFailuresAreCounted(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	got := s.asks(t, 10, "203.0.113.5", "a guess")
	if got[http.StatusUnauthorized] != 3 || got[http.StatusTooManyRequests] != 7 || s.asked != 3 {
		t.Errorf("%v, and %d were looked at", got, s.asked)
	}
	r := s.ask(t, "203.0.113.5", "of anna") // the right guess would be none, either
	if _, extensions := r.refusal(t); r.status != http.StatusTooManyRequests || extensions["code"] != "RATE_LIMITED" ||
		r.header.Get("RateLimit") != `"failures";r=0;t=20` || r.header.Get("Retry-After") != "20" {
		t.Errorf("%d %v", r.status, r.header)
	}
	if got := s.asks(t, 1, "203.0.113.6", "of anna"); got[http.StatusOK] != 1 {
		t.Errorf("at another address: %v", got)
	}
	if got := s.asks(t, 4, "203.0.113.5", ""); got[http.StatusOK] != 3 {
		t.Errorf("without a token: %v", got)
	}
	s.clock.move(20 * time.Second)
	if got := s.asks(t, 10, "203.0.113.5", "of anna"); got[http.StatusOK] != 6 {
		t.Errorf("once the guesses are fewer: %v", got)
	}
	if got := s.asks(t, 2, "203.0.113.5", "a guess"); got[http.StatusUnauthorized] != 1 || got[http.StatusTooManyRequests] != 1 {
		t.Errorf("the next guesses: %v", got)
	}
}

// A token that holds is no failure, however often it is used.
func TestIdentityIsNotCountedByAddress(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *ratelimit.Config) { c.Identity = 1000 })
	if got := s.asks(t, 20, "203.0.113.5", "of anna"); got[http.StatusOK] != 20 {
		t.Error(got)
	}
	if r := s.ask(t, "203.0.113.5", ""); r.header.Get("RateLimit-Remaining") != "2" {
		t.Errorf("a request is counted %s times", r.header)
	}
	if got := s.asks(t, 4, "203.0.113.5", "a guess"); got[http.StatusUnauthorized] != 3 {
		t.Error(got)
	}
}

// A server that lets nobody pass without a token turns away who has none: they
// are counted as any that are of no identity, not as those who guess.
func TestTurnedAwayWithoutToken(t *testing.T) {
	t.Parallel()
	c := newClock()
	l := ratelimit.New(ratelimit.Config{Identity: 6, Address: 3, Window: time.Minute, Store: ratelimit.NewMemory(c.Now), Clock: c.Now})
	h := l.Failures(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	ask := func(token string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if token != "" {
			r.Header.Set("Authorization", token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	if got := fmt.Sprint(ask(""), ask(""), ask(""), ask(""), ask("a token")); got != "401 401 401 429 401" {
		t.Error(got)
	}
}

// At the same time no more pass than one after the other.
func TestConcurrentRequests(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *ratelimit.Config) { c.Address = 50 })
	var passed atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 10 {
				if s.ask(t, "203.0.113.5", "").status == http.StatusOK {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if passed.Load() != 50 {
		t.Errorf("%d passed, want 50", passed.Load())
	}
}
