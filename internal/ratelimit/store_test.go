package ratelimit_test

import (
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"docket/internal/ratelimit"
	"docket/internal/redistest"
)

// patience is more than a server has: here it shares its machine with much else.
const patience = 5 * time.Second

func shared(t testing.TB, s *redistest.Server, change func(*ratelimit.SharedConfig)) *ratelimit.Shared {
	t.Helper()
	c := ratelimit.SharedConfig{URL: s.URL(), Patience: patience, Clock: time.Now, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	r := ratelimit.NewShared(c)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// TestStores holds each store against what it is to be.
func TestStores(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) ratelimit.Store{
		"memory": func(testing.TB) ratelimit.Store { return ratelimit.NewMemory(time.Now) },
		"Redis":  func(t testing.TB) ratelimit.Store { return shared(t, redistest.Start(t), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			hour := ratelimit.Quota{Name: "x", Requests: 5, Window: time.Hour}
			for i := range 7 {
				debt, allowed, err := s.Take("anna", hour)
				must(t, err)
				want := min(time.Duration(i+1), 5) * 12 * time.Minute
				if allowed != (i < 5) || debt > want || debt < want-time.Minute {
					t.Errorf("request %d: %v, debt %v, want %v", i, allowed, debt, want)
				}
			}
			if _, allowed, err := s.Take("ben", hour); err != nil || !allowed {
				t.Errorf("another key: %v, %v", allowed, err)
			}
			short := ratelimit.Quota{Name: "x", Requests: 2, Window: time.Second}
			within(t, "two requests a second are not enough", func() bool {
				for range 20 {
					if _, allowed, err := s.Take("carl", short); err != nil || !allowed {
						return err == nil
					}
				}
				return false
			})
			time.Sleep(510 * time.Millisecond)
			if _, allowed, err := s.Take("carl", short); err != nil || !allowed {
				t.Errorf("after half a second: %v, %v", allowed, err)
			}
			large := ratelimit.Quota{Name: "x", Requests: 999_983, Window: time.Hour} // no interval of whole µs
			if debt, allowed, err := s.Take("dora", large); err != nil || !allowed || debt != 3600*time.Microsecond {
				t.Errorf("a large quota: %v, %v, %v", debt, allowed, err)
			}
			if debt, allowed, err := s.Take("anna", short); err != nil || allowed || debt > time.Second {
				t.Errorf("a debt of a larger quota is not cut: %v, %v, %v", debt, allowed, err)
			}
			var passed atomic.Int32
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					for range 20 {
						if _, allowed, err := s.Take("emma", ratelimit.Quota{Name: "x", Requests: 100, Window: time.Hour}); err == nil && allowed {
							passed.Add(1)
						}
					}
				})
			}
			all.Wait()
			if passed.Load() != 100 {
				t.Errorf("%d passed at the same time, want 100", passed.Load())
			}
		})
	}
}

// TestStoresAgree draws quotas and has both stores take until they refuse.
func TestStoresAgree(t *testing.T) {
	t.Parallel()
	r, m := shared(t, redistest.Start(t), nil), ratelimit.NewMemory(time.Now)
	draw := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	for n := range 50 {
		q := ratelimit.Quota{Name: "x", Requests: 1 + draw.IntN(30), Window: time.Hour - time.Duration(draw.IntN(1000))*time.Second}
		key := strconv.Itoa(n)
		for i := range q.Requests + 2 {
			debt, allowed, err := r.Take(key, q)
			must(t, err)
			same, also, _ := m.Take(key, q)
			if off := (debt - same).Abs(); allowed != also || allowed != (i < q.Requests) || off > 5*time.Second {
				t.Fatalf("%+v, request %d: %v %v in Redis, %v %v in memory", q, i, debt, allowed, same, also)
			}
		}
	}
}

// TestRedisKeeps looks at what is in Redis: nothing for longer than it counts,
// and nothing that breaks what follows.
func TestRedisKeeps(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	r := shared(t, s, nil)
	conn, err := redis.DialURL(s.URL())
	must(t, err)
	defer conn.Close()
	q := ratelimit.Quota{Name: "x", Requests: 4, Window: time.Minute}
	_, _, err = r.Take("anna", q)
	must(t, err)
	if left, err := redis.Int(conn.Do("PTTL", "docket:rate:anna")); err != nil || left < 1 || left > 15_000 {
		t.Errorf("kept for %d ms (%v), want 15 s", left, err)
	}
	for name, value := range map[string]any{
		"no number": "soon", "of a clock that was set back": time.Now().Add(24 * time.Hour).UnixMicro(), "nothing": "", "of the past": 1, "not finite": "inf", "nan": "nan",
	} {
		must(t, s.Command("SET", "docket:rate:"+name, value))
		if debt, _, err := r.Take(name, q); err != nil || debt < 0 || debt > time.Minute {
			t.Errorf("%s: debt %v, %v", name, debt, err)
		}
	}
	if keys, err := redis.Strings(conn.Do("KEYS", "*")); err != nil || len(keys) != 7 {
		t.Errorf("it has %q (%v)", keys, err)
	}
}
