package identity_test

import (
	"context"
	"crypto/ed25519"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"docket/internal/identity"
	"docket/internal/oidctest"
	"docket/internal/viewer"
)

func newKey(t testing.TB) identity.DevelopmentKey {
	t.Helper()
	key, err := identity.MakeDevelopmentKey(filepath.Join(t.TempDir(), "docket", "dev.pem"))
	must(t, err)
	return key
}

func sign(t testing.TB, key identity.DevelopmentKey, who viewer.Viewer, now time.Time) string {
	t.Helper()
	token, err := key.Sign(who, now, time.Hour)
	must(t, err)
	return token
}

// What docket signs is about whom it was told, until it expires, for those who
// have the key.
func TestDevelopmentTokens(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)}
	key := newKey(t)
	url := serve(t, key.Verifier(c.Now).Handler)
	for _, who := range []viewer.Viewer{
		{Subject: "ada"},
		{Subject: "ada", Roles: []viewer.Role{viewer.Provider, viewer.Client}, GivenName: "Ada", FamilyName: "Nowak"},
	} {
		ask(t, url, "Bearer "+sign(t, key, who, c.Now())).is(t, who)
	}
	token := sign(t, key, ada, c.Now())
	ask(t, url).is(t, viewer.Viewer{})
	ask(t, url, "Bearer "+sign(t, newKey(t), ada, c.Now())).refused(t, badSignature)
	c.Move(time.Hour)
	ask(t, url, "Bearer "+token).refused(t, expired)
}

// A server with a provider takes no token of docket's own, and one for
// development none of a provider.
func TestDevelopmentTokensElsewhere(t *testing.T) {
	t.Parallel()
	b, key := setup(t), newKey(t)
	ask(t, b.url, "Bearer "+sign(t, key, ada, b.clock.Now())).refused(t, issuer)
	as := func(changes claims) string {
		private := jose.JSONWebKey{Algorithm: "EdDSA", KeyID: "one", Key: ed25519.PrivateKey(key)}
		return oidctest.Sign(t, private, b.Claims(b.clock.Now(), "ada", changes), nil)
	}
	ask(t, b.url, "Bearer "+as(nil)).refused(t, foreignKey) // as if the provider had said it
	url := serve(t, key.Verifier(b.clock.Now).Handler)
	ask(t, url, "Bearer "+b.token(t, nil)).refused(t, issuer)
	ask(t, url, "Bearer "+b.token(t, claims{"iss": identity.Development, "aud": identity.Development})).refused(t, badSignature)
	ask(t, url, "Bearer "+as(claims{"iss": identity.Development})).refused(t, audience)
	ask(t, url, "Bearer "+as(claims{"iss": identity.Development, "aud": identity.Development})).is(t, ada) // it can fail
}

// Whatever a server was told: it takes them only by an address of loopback.
func TestDevelopmentTokensByOtherAddresses(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	handler := key.Verifier(time.Now).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	token := sign(t, key, ada, time.Now())
	for address, status := range map[string]int{
		"127.0.0.1": 200, "127.8.9.10": 200, "::1": 200,
		"10.0.0.1": 401, "0.0.0.0": 401, "::": 401, "fe80::1": 401, "203.0.113.7": 401, "": 401,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if address != "" {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(address), Port: 80}))
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%q: got %d %s, want %d", address, w.Code, w.Body, status)
		}
	}
}

// The key is for its owner's eyes, made once, whoever comes first.
func TestDevelopmentKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "docket", "dev.pem")
	if _, err := identity.ReadDevelopmentKey(path); !os.IsNotExist(err) {
		t.Errorf("got %v before there is one", err)
	}
	for range 50 {
		keys, start := make([]identity.DevelopmentKey, 10), make(chan struct{})
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() {
				<-start
				var err error
				if keys[i], err = identity.MakeDevelopmentKey(path); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
		read, err := identity.ReadDevelopmentKey(path)
		must(t, err)
		for _, key := range keys {
			if !reflect.DeepEqual(key, read) {
				t.Fatal("two that began together have two keys")
			}
		}
		must(t, os.Remove(path))
	}
	_, err := identity.MakeDevelopmentKey(path)
	must(t, err)
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		info, err := os.Stat(name)
		must(t, err)
		if info.Mode() != want {
			t.Errorf("%s has the mode %v, want %v", name, info.Mode(), want)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(left) != 1 {
		t.Errorf("there are %d files beside it", len(left)-1)
	}
}

func TestWrongDevelopmentKeys(t *testing.T) {
	t.Parallel()
	good := filepath.Join(t.TempDir(), "dev.pem")
	_, err := identity.MakeDevelopmentKey(good)
	must(t, err)
	body, err := os.ReadFile(good)
	must(t, err)
	for name, tt := range map[string]struct {
		text  string
		mode  os.FileMode
		wrong string
	}{
		"of the group":  {string(body), 0o640, "others may use it (mode 0640)"},
		"of everyone":   {string(body), 0o604, "others may use it (mode 0604)"},
		"for all to do": {string(body), 0o666, "others may use it (mode 0666)"},
		"empty":         {"", 0o600, "is no key"},
		"no PEM":        {"key", 0o600, "is no key"},
		"cut off":       {strings.Replace(string(body), "M", "", 1), 0o600, "is no"},
		"another kind":  {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0o600, "is no Ed25519 key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "dev.pem")
			must(t, os.WriteFile(path, []byte(tt.text), 0o600))
			must(t, os.Chmod(path, tt.mode))
			for _, get := range []func(string) (identity.DevelopmentKey, error){identity.ReadDevelopmentKey, identity.MakeDevelopmentKey} {
				if _, err := get(path); err == nil || !strings.Contains(err.Error(), tt.wrong) || !strings.Contains(err.Error(), path) {
					t.Errorf("got %v, want %q", err, tt.wrong)
				}
			}
		})
	}
}
