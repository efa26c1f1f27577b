package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"
)

// How the keys of a provider are kept.
const (
	// Fresh is how long keys are used without asking again. A key that the provider
	// takes back is refused after this time, if the provider answers.
	Fresh = 5 * time.Minute
	// Stale is how long keys are used while the provider does not answer.
	Stale = 24 * time.Hour
	// Retry is how often the provider is asked at most, after Burst times in a row.
	Retry = 10 * time.Second
	// Burst is how often the provider is asked in a row.
	Burst = 5

	fetchTimeout = 5 * time.Second
)

// Provider has the keys of an OpenID Connect provider. It asks for them when a
// token needs one it does not know, or when those it has are no longer fresh;
// never more often than Retry and Burst say, whatever tokens come.
type Provider struct {
	issuer string
	client *http.Client
	clock  func() time.Time
	log    *slog.Logger

	fetches, failures atomic.Int64

	mu       sync.Mutex
	limit    *rate.Limiter
	keys     []jose.JSONWebKey
	fetched  time.Time     // when the keys came
	tried    time.Time     // when the provider was last asked, with or without success
	failure  error         // why that was without success
	fetching chan struct{} // closed once the provider has answered, nil where nobody asks
}

// NewProvider returns the provider at an issuer's URL. It is not asked yet: a
// server starts although its provider is away.
func NewProvider(issuer string, clock func() time.Time, log *slog.Logger) *Provider {
	return &Provider{
		issuer: issuer, client: client(), clock: clock, log: log,
		limit: rate.NewLimiter(rate.Every(Retry), Burst),
	}
}

// Keys returns the provider's keys that fit a token's headers.
func (p *Provider) Keys(ctx context.Context, alg, kid string) ([]jose.JSONWebKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	known := p.fitting(alg, kid, now)
	due := len(known) == 0 || now.Sub(p.fetched) > Fresh
	if due && p.fetching == nil && p.limit.AllowN(now, 1) {
		p.fetching = make(chan struct{})
		go p.refresh(context.WithoutCancel(ctx)) // for all who wait, even if this one goes away
	}
	// Whoever has a key waits only where nobody has asked for long: a provider that
	// is silent must not hold up everyone who comes while it is.
	if due && p.fetching != nil && (len(known) == 0 || now.Sub(p.tried) > Fresh) {
		if err := p.wait(ctx); err != nil {
			return nil, err
		}
		known = p.fitting(alg, kid, p.clock())
	}
	if len(known) == 0 && p.failure != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, p.failure)
	}
	return known, nil
}

// Fetches is how often the provider was asked, with success and without.
func (p *Provider) Fetches() (fetched, failed int64) { return p.fetches.Load(), p.failures.Load() }

// wait waits, without the lock, for what the provider answers.
func (p *Provider) wait(ctx context.Context) error {
	answered := p.fetching
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refresh asks the provider. Where it says that it has no keys, we have none.
func (p *Provider) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	keys, err := p.fetch(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tried = p.clock()
	if err == nil {
		p.keys, p.fetched = keys, p.tried
		if len(keys) == 0 {
			err = errors.New("it has no key to verify tokens with")
		}
	}
	switch {
	case err != nil:
		p.failures.Add(1)
		p.log.Warn("no keys from the identity provider", "issuer", p.issuer, "error", err)
	case p.failure != nil:
		p.log.Info("the identity provider is back", "issuer", p.issuer)
	}
	if err == nil {
		p.fetches.Add(1)
	}
	p.failure = err
	close(p.fetching)
	p.fetching = nil
}

// fitting are the keys for a token's headers. A token that names no key can be
// signed with the only one there is (OpenID Connect Core, 10.1).
func (p *Provider) fitting(alg, kid string, now time.Time) (found []jose.JSONWebKey) {
	if now.Sub(p.fetched) > Stale {
		return nil
	}
	for _, key := range p.keys {
		if fits(key, alg) && (kid == "" || kid == key.KeyID) {
			found = append(found, key)
		}
	}
	if kid == "" && len(found) > 1 {
		return nil
	}
	return found
}

// fits reports whether a signature by that algorithm can be of the key.
func fits(key jose.JSONWebKey, alg string) bool {
	if key.Algorithm != "" && key.Algorithm != alg {
		return false
	}
	switch key.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		return strings.HasPrefix(alg, "ES")
	case ed25519.PublicKey:
		return alg == string(jose.EdDSA)
	}
	return false
}
