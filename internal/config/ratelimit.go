package config

import (
	"fmt"
	"log/slog"
	"time"

	"docket/internal/address"
	"docket/internal/ratelimit"
)

// Rates are how many requests may come from whom.
type Rates struct {
	RateLimit          int           `help:"How many requests one identity may send in a window. 0: any number." default:"600"`
	RateLimitAnonymous int           `help:"How many requests that are of no identity one address may send in a window. 0: any number." default:"120"`
	RateWindow         time.Duration `help:"How long that window is." default:"1m"`
	RateStoreDown      string        `help:"While the shared store is away: memory, each server counts by itself, or refuse, all requests are refused." enum:"memory,refuse" default:"memory"`
	TrustedProxies     string        `help:"Whose X-Forwarded-For is believed: addresses, networks (10.0.0.0/8) and unix, for Unix sockets, with commas between them." placeholder:"LIST"`
}

const maxRate = 1_000_000

// Limiter is made of these settings.
func (s Server) Limiter(clock func() time.Time, log *slog.Logger) (*ratelimit.Limiter, error) {
	proxies, err := address.Parse(s.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("trusted-proxies: %w", err)
	}
	var store ratelimit.Store = ratelimit.NewMemory(clock)
	if s.SharedStore != memory {
		store = ratelimit.NewShared(ratelimit.SharedConfig{
			URL: s.SharedStore, Patience: storePatience, Refuse: s.RateStoreDown == "refuse", Clock: clock, Log: log,
		})
	}
	return ratelimit.New(ratelimit.Config{
		Identity: s.RateLimit, Address: s.RateLimitAnonymous, Window: s.RateWindow, Store: store, Proxies: proxies, Clock: clock,
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
	if _, err := address.Parse(r.TrustedProxies); err != nil {
		return fmt.Errorf("trusted-proxies: %w", err)
	}
	return nil
}
