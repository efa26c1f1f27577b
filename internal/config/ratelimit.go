package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"docket/internal/address"
	"docket/internal/ratelimit"
)

// Rates are how many requests may come from whom.
type Rates struct {
	RateLimit          int           `help:"How many requests one identity may send in a window. 0: any number." default:"600"`
	RateLimitAnonymous int           `help:"How many requests that are of no identity one address may send in a window. 0: any number." default:"120"`
	RateWindow         time.Duration `help:"How long that window is." default:"1m"`
	RateStore          string        `help:"Where requests are counted: memory, which is one server's own, or redis://… or rediss://… (Redis, Valkey), which many share." placeholder:"memory|URL" default:"memory"`
	RateStoreDown      string        `help:"While that Redis is away: memory, each server counts by itself, or refuse, all requests are refused." enum:"memory,refuse" default:"memory"`
	TrustedProxies     string        `help:"Whose X-Forwarded-For is believed: addresses, networks (10.0.0.0/8) and unix, for Unix sockets, with commas between them." placeholder:"LIST"`
}

const (
	memory        = "memory" // one server's own
	maxRate       = 1_000_000
	storePatience = 50 * time.Millisecond // a request waits for the store before it does anything
)

// Limiter is made of these settings.
func (r Rates) Limiter(clock func() time.Time, log *slog.Logger) (*ratelimit.Limiter, error) {
	proxies, err := address.Parse(r.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("trusted-proxies: %w", err)
	}
	var store ratelimit.Store = ratelimit.NewMemory(clock)
	if r.RateStore != memory {
		store = ratelimit.NewShared(ratelimit.SharedConfig{
			URL: r.RateStore, Patience: storePatience, Refuse: r.RateStoreDown == "refuse", Clock: clock, Log: log,
		})
	}
	return ratelimit.New(ratelimit.Config{
		Identity: r.RateLimit, Address: r.RateLimitAnonymous, Window: r.RateWindow, Store: store, Proxies: proxies, Clock: clock,
	}), nil
}

func (r Rates) validate() error {
	if r.RateLimit < 0 || r.RateLimit > maxRate {
		return fmt.Errorf("rate-limit: %d is not between 0 and %d", r.RateLimit, maxRate)
	}
	if r.RateLimitAnonymous < 0 || r.RateLimitAnonymous > maxRate {
		return fmt.Errorf("rate-limit-anonymous: %d is not between 0 and %d", r.RateLimitAnonymous, maxRate)
	}
	if r.RateWindow < time.Second || r.RateWindow > time.Hour || r.RateWindow%time.Second != 0 {
		return fmt.Errorf("rate-window: %v is not between 1s and 1h, in whole seconds", r.RateWindow)
	}
	if err := checkStore(r.RateStore); err != nil {
		return fmt.Errorf("rate-store: %w", err)
	}
	if _, err := address.Parse(r.TrustedProxies); err != nil {
		return fmt.Errorf("trusted-proxies: %w", err)
	}
	return nil
}

// checkStore does not repeat what it refuses: there may be a password in it.
func checkStore(store string) error {
	if store == memory {
		return nil
	}
	u, err := url.Parse(store)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" {
		return errors.New("must be memory, redis://HOST or rediss://HOST")
	}
	if db := strings.TrimPrefix(u.Path, "/"); strings.Trim(db, "0123456789") != "" {
		return errors.New("must end with the number of a database, or without one")
	}
	return nil
}
