package identity

import (
	"context"
	"crypto/rsa"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

const (
	maxDocument  = 512 << 10 // bytes that the provider may answer
	maxRedirects = 3
	minRSA       = 2048 // bits (RFC 7518, 3.3)
)

// client asks the provider. It goes where it was sent, and to no other host.
func client() *http.Client {
	return &http.Client{
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			if first := via[0].URL; to.URL.Scheme != first.Scheme || to.URL.Host != first.Host || len(via) > maxRedirects {
				return fmt.Errorf("redirected to %s, which is not followed", to.URL.Redacted())
			}
			return nil
		},
	}
}

// fetch asks the provider where its keys are, and for them (OpenID Connect
// Discovery, 4). Both each time: a provider may move its keys.
func (p *Provider) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	var about struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := p.get(ctx, strings.TrimSuffix(p.issuer, "/")+"/.well-known/openid-configuration", &about); err != nil {
		return nil, err
	}
	if about.Issuer != p.issuer { // Discovery, 4.3: exactly
		return nil, fmt.Errorf("%s says that it is the issuer %q", p.issuer, about.Issuer)
	}
	if err := p.trusted(about.Keys); err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := p.get(ctx, about.Keys, &set); err != nil {
		return nil, err
	}
	if set.Keys == nil {
		return nil, fmt.Errorf("%s is no set of keys", about.Keys)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		if key, ok := verifies(raw); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// trusted reports whether keys at the address are the provider's: nobody can
// have changed them on their way, or it is the host of an issuer on loopback.
func (p *Provider) trusted(keys string) error {
	issuer, err := url.Parse(p.issuer)
	if err != nil {
		return err
	}
	u, err := url.Parse(keys)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != issuer.Scheme || u.Hostname() != issuer.Hostname()) {
		return fmt.Errorf("%s has its keys at %q, which is not https", p.issuer, keys)
	}
	return nil
}

// verifies returns a key of a set if it is public and meant for signatures. What
// we do not understand is left out, not an error (RFC 7517, 5).
func verifies(raw json.RawMessage) (key jose.JSONWebKey, ok bool) {
	var meant struct {
		Use        string   `json:"use"`
		Operations []string `json:"key_ops"`
	}
	if json.Unmarshal(raw, &meant) != nil || json.Unmarshal(raw, &key) != nil {
		return key, false
	}
	if meant.Use != "" && meant.Use != "sig" || meant.Operations != nil && !slices.Contains(meant.Operations, "verify") {
		return key, false
	}
	if public, ok := key.Key.(*rsa.PublicKey); ok && public.N.BitLen() < minRSA {
		return key, false
	}
	return key, key.IsPublic()
}

// get reads the JSON at the address.
func (p *Provider) get(ctx context.Context, address string, v any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil) //nolint:gosec // the operator named the issuer, and the issuer where its keys are
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	response, err := p.client.Do(request) //nolint:gosec // see above
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if len(body) > maxDocument {
		return fmt.Errorf("%s answers with more than %d bytes", address, maxDocument)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}
