package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"docket/internal/oidctest"
)

// post asks for nothing in particular, with a token unless it is empty.
func post(t *testing.T, url, token string) (status int, body string) {
	t.Helper()
	bearer := ""
	if token != "" {
		bearer = "Bearer " + token
	}
	status, _, body = exchange(t, url, `{"query": "{ __typename }"}`, "Authorization", bearer)
	return status, body
}

func posted(t *testing.T, url, token string, status int) {
	t.Helper()
	if got, body := post(t, url, token); got != status {
		t.Errorf("got %d %s, want %d", got, body, status)
	}
}

// docketToken is what docket token prints.
func docketToken(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), append([]string{"token"}, args...), &out); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// TestServeWithAProvider starts a server whose provider is away, and has the
// provider change its keys under it.
func TestServeWithAProvider(t *testing.T) {
	t.Parallel()
	old, key := oidctest.Key(t, jose.RS256, "one"), oidctest.Key(t, jose.ES256, "two")
	provider := oidctest.Start(t, old)
	provider.Answer(oidctest.Discovery, http.NotFound)
	url := serving(t, "--oidc-issuer", provider.URL, "--oidc-audience", oidctest.Audience, "--oidc-roles-claim", "realm_access.roles")
	sign := func(key jose.JSONWebKey, changes map[string]any) string {
		return oidctest.Sign(t, key, provider.Claims(time.Now(), "ada", changes), nil)
	}
	posted(t, url, sign(old, nil), http.StatusServiceUnavailable)
	posted(t, url, "", http.StatusOK) // the document asks for nothing that is anybody's
	provider.Answer(oidctest.Discovery, nil)
	posted(t, url, sign(old, map[string]any{"realm_access": map[string]any{"roles": []string{"admin"}}}), http.StatusOK)
	posted(t, url, sign(key, nil), http.StatusUnauthorized)
	posted(t, url, sign(old, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}), http.StatusUnauthorized)
	posted(t, url, sign(old, map[string]any{"exp": time.Now().Add(-10 * time.Second).Unix()}), http.StatusOK)
	provider.Publish(key)
	posted(t, url, sign(key, nil), http.StatusOK)
	posted(t, url, sign(old, nil), http.StatusUnauthorized)
}

// TestDevelopmentTokens makes tokens for one server, which others do not take.
func TestDevelopmentTokens(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "dev.pem")
	url := serving(t, "--dev-tokens", "--dev-key", key)
	token := docketToken(t, "--dev-key", key, "--subject", "ada", "--role", "provider", "--role", "client", "--given-name", "Ada", "--ttl", "1m")
	posted(t, url, token, http.StatusOK)
	posted(t, url, token[:len(token)-8], http.StatusUnauthorized)
	posted(t, url, "", http.StatusOK)
	status, body := post(t, url, docketToken(t, "--dev-key", key, "--subject", "ada"))
	if status != http.StatusOK || !strings.Contains(body, "Query") {
		t.Errorf("got %d %s", status, body)
	}

	another := filepath.Join(t.TempDir(), "dev.pem")
	posted(t, serving(t, "--dev-tokens", "--dev-key", another), token, http.StatusUnauthorized)
	provider := oidctest.Start(t, oidctest.Key(t, jose.ES256, "one"))
	posted(t, serving(t, "--oidc-issuer", provider.URL, "--oidc-audience", "docket-dev", "--dev-key", key), token, http.StatusUnauthorized)
}

// TestNoDevelopmentTokens starts servers that may not take any, and makes tokens
// that cannot be made.
func TestNoDevelopmentTokens(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "dev.pem")
	deployed := []string{"--cursor-secret", "0123456789abcdef", "--database", "sqlite:///nowhere/docket.db", "--insecure"}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"in production":   {append([]string{"serve", "--dev-tokens", "--environment", "production"}, deployed...), "dev-tokens: not in environment production"},
		"in staging":      {append([]string{"serve", "--dev-tokens", "--environment", "staging"}, deployed...), "dev-tokens: not in environment staging"},
		"for others":      {[]string{"serve", "--dev-tokens", "--insecure", "--listen", "0.0.0.0:0"}, "dev-tokens: others can reach"},
		"no server":       {[]string{"token", "--subject", "ada"}, "dev-key: there is none at " + key + "; docket serve --dev-tokens makes it"},
		"about nobody":    {[]string{"token"}, "missing flags: --subject"},
		"an empty name":   {[]string{"token", "--subject="}, "subject: must have 1 to 255 bytes"},
		"a role unknown":  {[]string{"token", "--subject", "ada", "--role", "root"}, "--role must be one of"},
		"good for ever":   {[]string{"token", "--subject", "ada", "--ttl", "10000h"}, "ttl: 10000h0m0s is not between"},
		"good for no one": {[]string{"token", "--subject", "ada", "--ttl", "0s"}, "ttl: 0s is not between"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), append(tt.args, "--dev-key", key), io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if _, err := os.Stat(key); !os.IsNotExist(err) {
				t.Error("and there is a key now")
			}
		})
	}
}

// TestServeSaysWhoItIsFor checks what whoever starts a server is told.
func TestServeSaysWhoItIsFor(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"everyone may do anything":                {},
		"docket token --subject NAME --role ROLE": {"--dev-tokens", "--dev-key", filepath.Join(t.TempDir(), "dev.pem")},
	} {
		if _, said := servingSaid(t, args...); !strings.Contains(said, want) {
			t.Errorf("%v: it says %q, not %q", args, said, want)
		}
	}
}
