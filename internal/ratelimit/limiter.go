// Package ratelimit bounds how many requests come from one identity or, where
// nobody says who they are, from one address.
package ratelimit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/netip"
	"time"

	"docket/internal/address"
	"docket/internal/cache"
	"docket/internal/viewer"
)

// Config is what a limiter is made of.
type Config struct {
	Identity int           // requests of one identity in a window; 0 is no limit
	Address  int           // requests of one address that are of no identity; 0 is no limit
	Window   time.Duration // whole seconds
	Store    Store
	Proxies  address.Proxies
	Clock    func() time.Time
}

// Limiter counts each request once: by the subject of its viewer, else by its
// address. What does not get so far, as its token does not hold, is counted by
// address, too, but apart: who shares an address with others cannot use up
// what they need to say who they are.
type Limiter struct {
	identity, anonymous, failure Quota

	store   Store
	proxies address.Proxies
	clock   func() time.Time
	// spent are keys that have nothing left, and until when. Until then no store
	// would say otherwise, so a flood of what is refused does not reach it.
	spent *cache.Cache[string, time.Time]
}

// New makes a limiter.
func New(c Config) *Limiter {
	return &Limiter{
		identity:  Quota{"identity", c.Identity, c.Window},
		anonymous: Quota{"address", c.Address, c.Window},
		failure:   Quota{"failures", c.Address, c.Window},
		store:     c.Store, proxies: c.Proxies, clock: c.Clock,
		spent: cache.New[string, time.Time](maxKeys),
	}
}

// Close closes the store.
func (l *Limiter) Close() error {
	if c, ok := l.store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

type arrivedKey struct{}

// Handler counts a request and passes it on, or refuses it: with 429, and with
// 503 where the store is away and nothing passes without it.
func (l *Limiter) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if arrived, ok := r.Context().Value(arrivedKey{}).(*bool); ok {
			*arrived = true
		}
		q, key := l.anonymous, ""
		switch v, _ := viewer.FromContext(r.Context()); {
		case v.Anonymous():
			key = addressKey(q, l.proxies.Client(r))
		case v.Unasked(): // everyone, where nobody has to say who they are
			q = l.identity
			key = addressKey(q, l.proxies.Client(r))
		default:
			q, key = l.identity, identityKey(v.Subject)
		}
		if q.Requests == 0 {
			next.ServeHTTP(w, r)
			return
		}
		s, err := l.take(key, q)
		if err != nil {
			unavailable(w, r)
			return
		}
		s.header(w.Header())
		if !s.allowed {
			s.refuse(w, r, l.clock())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Failures wraps what finds out who sent a request, which passes it on to
// Handler. What does not arrive there was turned away: it is counted by address,
// and an address with too many is refused before its next token is looked at.
func (l *Limiter) Failures(next http.Handler) http.Handler {
	if l.failure.Requests == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := l.failure
		if r.Header["Authorization"] == nil {
			q = l.anonymous // it tried nothing
		}
		key := addressKey(q, l.proxies.Client(r))
		if s, ok := l.exhausted(key, q); ok {
			s.header(w.Header())
			s.refuse(w, r, l.clock())
			return
		}
		arrived := false
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), arrivedKey{}, &arrived)))
		if !arrived {
			_, _ = l.take(key, q) // it was answered: what is left matters to the next
		}
	})
}

func (l *Limiter) take(key string, q Quota) (standing, error) {
	if s, ok := l.exhausted(key, q); ok {
		return s, nil
	}
	now := l.clock()
	debt, allowed, err := l.store.Take(key, q)
	if err != nil {
		return standing{}, err
	}
	s := q.standing(debt, allowed)
	if s.remaining == 0 {
		l.spent.Add(key, now.Add(s.next), 1)
	}
	return s, nil
}

// exhausted tells of a key that is known to have nothing left.
func (l *Limiter) exhausted(key string, q Quota) (standing, bool) {
	until, ok := l.spent.Get(key)
	if !ok {
		return standing{}, false
	}
	wait := until.Sub(l.clock())
	return standing{quota: q, next: wait}, wait > 0
}

// identityKey has one length, and does not tell the subject to who reads the store.
func identityKey(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return "identity:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// addressKey is of an IPv4 address, or of the network of an IPv6 address: each
// customer of a provider has a /64 or more (RFC 6177), and thus 2^64 addresses.
func addressKey(q Quota, a netip.Addr) string {
	if !a.IsValid() {
		return q.Name + ":unix"
	}
	if a.Is6() {
		a = netip.PrefixFrom(a, 64).Masked().Addr()
	}
	return q.Name + ":" + a.String()
}
