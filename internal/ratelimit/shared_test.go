package ratelimit_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"docket/internal/ratelimit"
	"docket/internal/redistest"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// pair is two servers that count in one Redis.
func pair(t testing.TB, s *redistest.Server, change func(*ratelimit.SharedConfig)) (one, two *site) {
	t.Helper()
	of := func() *site {
		return serve(t, func(c *ratelimit.Config) {
			c.Identity, c.Address, c.Window, c.Clock = 10, 10, time.Hour, time.Now
			c.Store = shared(t, s, change)
		})
	}
	return of(), of()
}

const from = "203.0.113.5"

func TestServersShareALimit(t *testing.T) {
	t.Parallel()
	one, two := pair(t, redistest.Start(t), nil)
	for from, token := range map[string]string{"203.0.113.5": "of anna", "203.0.113.6": "", "203.0.113.7": "a guess"} {
		passed := 0
		for i := range 20 {
			if []*site{one, two}[i%2].ask(t, from, token).status != http.StatusTooManyRequests {
				passed++
			}
		}
		// A server knows of another's guesses when it counts one itself.
		if most := map[bool]int{true: 11, false: 10}[token == "a guess"]; passed < 10 || passed > most {
			t.Errorf("%q: %d passed, want 10", token, passed)
		}
	}
}

// TestStoreGoesAway kills Redis between requests, and starts it again, empty.
func TestStoreGoesAway(t *testing.T) {
	t.Parallel()
	s, log := redistest.Start(t), &lines{}
	one, two := pair(t, s, func(c *ratelimit.SharedConfig) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	one.asks(t, 6, from, "of anna")
	if got := two.asks(t, 6, from, "of anna"); got[http.StatusOK] != 4 {
		t.Errorf("with the store: %v", got)
	}
	s.Kill()
	// Ben is new. Each server counts by itself, from a whole quota.
	for _, server := range []*site{one, two} {
		if got := server.asks(t, 20, from, "of ben"); got[http.StatusOK] != 10 || got[http.StatusTooManyRequests] != 10 {
			t.Errorf("without the store: %v", got)
		}
	}
	if n := log.count("is away"); n != 2 {
		t.Errorf("two servers say %d times that it is away", n)
	}
	s.Run(t)
	within(t, "both count in Redis again", func() bool {
		who := "of " + rand.Text() // who has nothing left is refused without a look
		one.ask(t, from, who)
		two.ask(t, from, who)
		return log.count("is back") == 2
	})
	one.asks(t, 6, from, "of carl")
	if got := two.asks(t, 6, from, "of carl"); got[http.StatusOK] != 4 {
		t.Errorf("with the store again: %v", got)
	}
}

// TestStoreIsAwayAtTheStart: a server starts all the same.
func TestStoreIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Kill()
	one, _ := pair(t, s, nil)
	if got := one.asks(t, 12, from, ""); got[http.StatusOK] != 10 {
		t.Error(got)
	}
}

func TestStoreGoesAwayAndRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	one, _ := pair(t, s, func(c *ratelimit.SharedConfig) { c.Refuse = true })
	if r := one.ask(t, from, "of anna"); r.status != http.StatusOK {
		t.Fatalf("with the store: %d", r.status)
	}
	s.Kill()
	r := one.ask(t, from, "of anna")
	_, extensions := r.refusal(t)
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "1" ||
		extensions["code"] != "UNAVAILABLE" || extensions["retryable"] != true || extensions["done"] != false {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	s.Run(t)
	within(t, "requests pass again", func() bool { return one.ask(t, from, "of anna").status == http.StatusOK })
}

// TestStoreHangs: a Redis that takes connections and says nothing is worse than
// one that is gone. It holds up each request that is under way, once.
func TestStoreHangs(t *testing.T) {
	t.Parallel()
	const patience = 500 * time.Millisecond
	s, log := redistest.Start(t), &lines{}
	one, _ := pair(t, s, func(c *ratelimit.SharedConfig) { c.Patience, c.Log = patience, slog.New(slog.NewTextHandler(log, nil)) })
	one.ask(t, from, "")
	must(t, s.Signal(syscall.SIGSTOP))
	var took []time.Duration
	for began := time.Now(); time.Since(began) < 3*time.Second; {
		asked := time.Now()
		one.ask(t, from, "of anna")
		took = append(took, time.Since(asked))
	}
	slices.Sort(took)
	t.Logf("%d requests in 3 s: half take up to %v, 99%% up to %v, the slowest %v", len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	waited := 0
	for _, d := range took {
		if d >= patience {
			waited++
		}
	}
	if waited > 3 || len(took) < 100 { // one, and what the machine does besides
		t.Errorf("%d of %d requests waited for the store", waited, len(took))
	}
	must(t, s.Signal(syscall.SIGCONT))
	within(t, "it is back", func() bool { one.ask(t, from, "of "+rand.Text()); return log.count("is back") == 1 })
}

// TestStoreThatKeepsNothing answers, but takes no writes.
func TestStoreThatKeepsNothing(t *testing.T) {
	t.Parallel()
	s, log := redistest.Start(t), &lines{}
	one, _ := pair(t, s, func(c *ratelimit.SharedConfig) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	must(t, s.Command("CONFIG", "SET", "maxmemory", "1"))
	if got := one.asks(t, 12, from, ""); got[http.StatusOK] != 10 {
		t.Error(got)
	}
	for range 25 {
		time.Sleep(100 * time.Millisecond)
		one.ask(t, from, "of "+rand.Text())
	}
	if log.count("is away") != 1 || log.count("is back") != 0 {
		t.Errorf("the log has %s", log.text.String())
	}
	must(t, s.Command("CONFIG", "SET", "maxmemory", "0"))
	within(t, "it is back", func() bool { one.ask(t, from, "of "+rand.Text()); return log.count("is back") == 1 })
}

// Clients that leave early are no sign of a store that is away: else anyone
// could have each server count by itself.
func TestClientsThatLeave(t *testing.T) {
	t.Parallel()
	log := &lines{}
	one, _ := pair(t, redistest.Start(t), func(c *ratelimit.SharedConfig) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*50*time.Microsecond)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, one.URL, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if answer, err := http.DefaultClient.Do(r); err == nil {
				_ = answer.Body.Close()
			}
		})
	}
	all.Wait()
	one.ask(t, from, "")
	if log.count("away") != 0 {
		t.Errorf("the log has %s", log.text.String())
	}
}

// A password is needed, and stays out of the log.
func TestStoreWithAPassword(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	must(t, s.Command("CONFIG", "SET", "requirepass", "s3cr3t"))
	for password, away := range map[string]int{"s3cr3t": 0, "s3cr3t!": 1} {
		log := &lines{}
		r := shared(t, s, func(c *ratelimit.SharedConfig) {
			c.URL, c.Log = "redis://:"+password+"@"+strings.TrimPrefix(s.URL(), "redis://")+"/3", slog.New(slog.NewTextHandler(log, nil))
		})
		if _, allowed, err := r.Take("anna", ratelimit.Quota{Name: "x", Requests: 1, Window: time.Hour}); err != nil || !allowed {
			t.Errorf("%v, %v", allowed, err)
		}
		if log.count("is away") != away || log.count("s3cr3t") > 0 {
			t.Errorf("%s: the log has %s", password, log.text.String())
		}
	}
}
