// Package oidctest is an OpenID Connect provider for tests: discovery, keys that
// change, and answers that go wrong.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Audience is whom the provider's tokens are for.
const Audience = "docket"

// The paths that it answers at.
const (
	Discovery = "/.well-known/openid-configuration"
	JWKS      = "/keys"
)

// Provider signs tokens and publishes the keys they can be verified with.
type Provider struct {
	URL string // the issuer

	mu    sync.Mutex
	keys  any // as published
	wrong map[string]http.HandlerFunc
	asked map[string]int
}

// Start starts a provider that publishes the public halves of the keys.
func Start(t testing.TB, keys ...jose.JSONWebKey) *Provider {
	t.Helper()
	p := &Provider{asked: map[string]int{}}
	p.Publish(keys...)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Publish replaces the keys by the public halves of others.
func (p *Provider) Publish(keys ...jose.JSONWebKey) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range keys {
		set.Keys = append(set.Keys, key.Public())
	}
	p.PublishAs(set)
}

// PublishAs replaces the keys by whatever is given.
func (p *Provider) PublishAs(set any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = set
}

// Answer makes another answer what is asked at the path; nil, itself again.
func (p *Provider) Answer(path string, wrong http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = maps.Clone(p.wrong)
	if p.wrong == nil {
		p.wrong = map[string]http.HandlerFunc{}
	}
	p.wrong[path] = wrong
}

// Asked is how often something was asked at the path.
func (p *Provider) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// ServeHTTP answers as OpenID Connect Discovery, 4 and RFC 7517, 5 say.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked[r.URL.Path]++
	keys, wrong := p.keys, p.wrong[r.URL.Path]
	p.mu.Unlock()
	switch {
	case wrong != nil:
		wrong(w, r)
	case r.URL.Path == Discovery:
		answer(w, map[string]any{
			"issuer": p.URL, "jwks_uri": p.URL + JWKS, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256"},
		})
	case r.URL.Path == JWKS:
		answer(w, keys)
	default:
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// Claims are those of a token about the subject, good for an hour, with changes;
// a nil among these leaves a claim out.
func (p *Provider) Claims(now time.Time, subject string, changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": p.URL, "aud": Audience, "sub": subject, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// Sign signs claims, or a text as it is, with the key and more headers.
func Sign(t testing.TB, key jose.JSONWebKey, claims any, headers map[string]any) string {
	t.Helper()
	payload, ok := claims.(string)
	if !ok {
		text, err := json.Marshal(claims)
		must(t, err)
		payload = string(text)
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	for name, value := range headers {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, options)
	must(t, err)
	signed, err := signer.Sign([]byte(payload))
	must(t, err)
	token, err := signed.CompactSerialize()
	must(t, err)
	return token
}

// bits of an RSA key are the fewest that may be used: they take long to make.
const bits = 2048

// Key makes a pair of keys for the algorithm.
func Key(t testing.TB, algorithm jose.SignatureAlgorithm, id string) jose.JSONWebKey {
	t.Helper()
	key := jose.JSONWebKey{Algorithm: string(algorithm), KeyID: id, Use: "sig"}
	var err error
	switch {
	case algorithm == jose.ES256:
		key.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case algorithm == jose.ES384:
		key.Key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case algorithm == jose.ES512:
		key.Key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case algorithm == jose.EdDSA:
		_, key.Key, err = ed25519.GenerateKey(rand.Reader)
	case strings.HasPrefix(string(algorithm), "RS"), strings.HasPrefix(string(algorithm), "PS"):
		key.Key, err = rsa.GenerateKey(rand.Reader, bits)
	default:
		t.Fatalf("no key for %s", algorithm)
	}
	must(t, err)
	return key
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
