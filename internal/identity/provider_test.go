package identity_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"docket/internal/identity"
	"docket/internal/oidctest"
	"docket/internal/viewer"
)

var ada = viewer.Viewer{Subject: "ada"}

// bearer asks with a token about ada that the key signed.
func (b *bundle) bearer(t testing.TB, key jose.JSONWebKey) answer {
	t.Helper()
	return ask(t, b.url, "Bearer "+oidctest.Sign(t, key, b.Claims(b.clock.Now(), "ada", nil), nil))
}

// A new key is taken at once; an old one as long as the provider publishes it,
// and at most five minutes longer.
func TestRotation(t *testing.T) {
	t.Parallel()
	for name, kept := range map[string]bool{"the old key stays": true, "the old key leaves": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.bearer(t, b.key).is(t, ada)
			next := oidctest.Key(t, jose.RS256, "two")
			if kept {
				b.Publish(next, b.key)
			} else {
				b.Publish(next)
			}
			b.clock.Move(identity.Fresh)
			b.bearer(t, b.key).is(t, ada) // nobody has asked yet
			b.clock.Move(time.Second)
			if kept {
				b.bearer(t, b.key).is(t, ada)
			} else {
				b.bearer(t, b.key).refused(t, foreignKey)
			}
			b.bearer(t, next).is(t, ada)
		})
	}
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.bearer(t, b.key).is(t, ada)
		for i := range 3 {
			b.key = oidctest.Key(t, jose.ES256, "next "+strconv.Itoa(i))
			b.Publish(b.key)
			b.bearer(t, b.key).is(t, ada)
		}
	})
	t.Run("without ids", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.key = oidctest.Key(t, jose.ES256, "")
		b.Publish(b.key)
		b.bearer(t, b.key).is(t, ada)
		next := oidctest.Key(t, jose.ES256, "")
		b.Publish(next)
		b.clock.Move(identity.Fresh + time.Second)
		b.bearer(t, next).is(t, ada)
		b.bearer(t, b.key).refused(t, badSignature)
	})
}

// A key that was taken back is refused by the first request after a quiet time,
// and by all that come with it.
func TestRotationAfterQuiet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bearer(t, b.key).is(t, ada)
	b.Publish(oidctest.Key(t, jose.ES256, "two"))
	b.clock.Move(time.Hour)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { b.bearer(t, b.key).refused(t, foreignKey) })
	}
	all.Wait()
}

// Whoever sends tokens with ids of keys that nobody has, does not make us ask the
// provider more often than we would.
func TestUnknownKeysAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bearer(t, b.key).is(t, ada)
	stranger := oidctest.Key(t, jose.ES256, "")
	storm := func() {
		t.Helper()
		var all sync.WaitGroup
		for from := range 10 {
			all.Go(func() {
				for i := range 100 {
					stranger := stranger
					stranger.KeyID = strconv.Itoa(1000*from + i)
					b.bearer(t, stranger).refused(t, foreignKey)
				}
			})
		}
		all.Wait()
	}
	storm()
	if n, m := b.Asked(oidctest.Discovery), b.Asked(oidctest.JWKS); n != identity.Burst || m != identity.Burst {
		t.Errorf("after 1,000 tokens the provider was asked %d and %d times, want %d", n, m, identity.Burst)
	}
	b.bearer(t, b.key).is(t, ada) // who is known does not suffer
	b.clock.Move(identity.Retry)
	storm()
	if n := b.Asked(oidctest.JWKS); n != identity.Burst+1 {
		t.Errorf("after 10 more seconds and 1,000 more tokens it was asked %d times, want %d", n, identity.Burst+1)
	}
}

// What is refused for what it claims makes nobody ask.
func TestNothingIsAskedForNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, changes := range []claims{{"iss": "https://id.example.org"}, {"aud": "another"}, {"exp": 1}, {"sub": ""}} {
		if a := ask(t, b.url, "Bearer "+b.token(t, changes)); a.status != http.StatusUnauthorized {
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	if n := b.Asked(oidctest.Discovery); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// TestBrokenProvider has a provider that answers wrongly: nothing is said about
// tokens as long as we have no keys, and what we have is used as long as we do.
func TestBrokenProvider(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("we went to another host") }))
	t.Cleanup(elsewhere.Close)
	private := text(t, oidctest.Key(t, jose.ES256, "private"))
	type wrong = map[string]http.HandlerFunc
	both := func(h http.HandlerFunc) wrong { return wrong{oidctest.Discovery: h, oidctest.JWKS: h} }
	tests := map[string]struct {
		answers []wrong // each breaks it alone
		empty   bool    // it says that it has no keys
	}{
		"not there":        {[]wrong{both(says(404, "")), {oidctest.JWKS: says(404, "")}}, false},
		"broken":           {[]wrong{both(says(500, "no")), {oidctest.JWKS: says(500, `{"keys":[]}`)}}, false},
		"busy":             {[]wrong{both(says(429, "")), both(says(503, ""))}, false},
		"nothing":          {[]wrong{both(says(200, "")), {oidctest.JWKS: says(200, "")}, {oidctest.JWKS: says(204, "")}}, false},
		"a page":           {[]wrong{both(says(200, "<html>")), {oidctest.JWKS: says(200, "<html>")}}, false},
		"other JSON":       {[]wrong{both(says(200, "[]")), both(says(200, "null")), {oidctest.JWKS: says(200, "{}")}, {oidctest.JWKS: says(200, `{"keys":{}}`)}}, false},
		"cut off":          {[]wrong{both(says(200, `{"keys":[`))}, false},
		"without end":      {[]wrong{both(says(200, `{"keys":[]}`+strings.Repeat(" ", 1<<20))), {oidctest.JWKS: says(200, `{"keys":[]}`+strings.Repeat(" ", 1<<20))}}, false},
		"hanging up":       {[]wrong{both(drop), {oidctest.JWKS: drop}}, false},
		"another issuer":   {[]wrong{{oidctest.Discovery: says(200, `{"issuer":"https://id.example.org","jwks_uri":"`+elsewhere.URL+`"}`)}}, false},
		"gone elsewhere":   {[]wrong{both(http.RedirectHandler(elsewhere.URL, http.StatusFound).ServeHTTP)}, false},
		"round in circles": {[]wrong{{oidctest.JWKS: http.RedirectHandler(oidctest.JWKS, http.StatusFound).ServeHTTP}}, false},
		"no keys":          {[]wrong{{oidctest.JWKS: says(200, `{"keys":[]}`)}}, true},
		"keys of no use":   {[]wrong{{oidctest.JWKS: says(200, `{"keys":[{},5,null,"x",{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"P-256"},`+private+`]}`)}}, true},
	}
	for name, tt := range tests {
		for i, answers := range tt.answers {
			t.Run(name+" "+strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				set := func(on bool) {
					for path, h := range answers {
						if !on {
							h = nil
						}
						b.Answer(path, h)
					}
				}
				set(true)
				b.bearer(t, b.key).unavailable(t)
				if n := b.Asked(oidctest.JWKS); n > 4 {
					t.Errorf("the provider was asked for keys %d times", n)
				}
				ask(t, b.url).is(t, viewer.Viewer{}) // whoever has no token needs no provider
				ask(t, b.url, "Bearer x").refused(t, noJWT)
				set(false)
				b.clock.Move(identity.Retry)
				b.bearer(t, b.key).is(t, ada)

				set(true)
				b.clock.Move(identity.Stale)
				if tt.empty {
					b.bearer(t, b.key).unavailable(t)
					return
				}
				b.bearer(t, b.key).is(t, ada)
				b.bearer(t, oidctest.Key(t, jose.ES256, "new")).unavailable(t) // it may be good
				b.clock.Move(time.Second)
				b.bearer(t, b.key).unavailable(t)
				set(false)
				b.clock.Move(identity.Retry)
				b.bearer(t, b.key).is(t, ada)
			})
		}
	}
}

// Keys that anyone on the way could have changed are not taken.
func TestKeysInTheClear(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := strings.Replace(b.URL, "127.0.0.1", "localhost", 1)
	for _, address := range []string{other + oidctest.JWKS, "http://id.example.org/keys", "file:///etc/passwd", "/keys", "", "https://", ":"} {
		b.clock.Move(identity.Retry)
		b.Answer(oidctest.Discovery, says(200, text(t, claims{"issuer": b.URL, "jwks_uri": address})))
		b.bearer(t, b.key).unavailable(t)
	}
	if n := b.Asked(oidctest.JWKS); n != 0 {
		t.Errorf("keys were asked for %d times", n)
	}
}

// An issuer is what it says, to the letter: with a slash at its end or without.
func TestIssuerWithASlash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Answer(oidctest.Discovery, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(text(t, claims{"issuer": b.URL + "/", "jwks_uri": b.URL + oidctest.JWKS})))
	})
	v := b.verifier()
	v.Issuer += "/"
	v.Keys = identity.NewProvider(v.Issuer, b.clock.Now, logger())
	url := serve(t, v.Handler)
	ask(t, url, "Bearer "+b.token(t, claims{"iss": b.URL + "/"})).is(t, ada)
	ask(t, url, "Bearer "+b.token(t, nil)).refused(t, issuer)
	b.bearer(t, b.key).unavailable(t) // the one without: it says that it is another
}

// A provider that is silent costs those who need it five seconds, once, and
// those whose keys we have nothing.
func TestSilentProvider(t *testing.T) {
	t.Parallel()
	b := setup(t)
	silence := make(chan struct{})
	t.Cleanup(func() { close(silence) })
	silent := func(http.ResponseWriter, *http.Request) { <-silence }
	b.bearer(t, b.key).is(t, ada)
	b.Answer(oidctest.JWKS, silent)
	b.clock.Move(identity.Fresh + time.Second)
	took := func(within time.Duration, f func()) {
		t.Helper()
		start := time.Now()
		f()
		if d := time.Since(start); d > within {
			t.Errorf("it took %v", d)
		}
	}
	took(8*time.Second, func() { b.bearer(t, b.key).is(t, ada) })
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { took(2*time.Second, func() { b.bearer(t, b.key).is(t, ada) }) })
	}
	all.Wait()
	took(8*time.Second, func() { b.bearer(t, oidctest.Key(t, jose.ES256, "new")).unavailable(t) })
	if n := b.Asked(oidctest.JWKS); n > identity.Burst {
		t.Errorf("it was asked %d times", n)
	}
}

// Whoever goes away does not wait, and others get what they asked for.
func TestAskerGoesAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked, proceed := make(chan struct{}), make(chan struct{})
	b.Answer(oidctest.JWKS, func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-proceed
		_, _ = w.Write([]byte(text(t, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{b.key.Public()}})))
	})
	v := b.verifier()
	token := b.token(t, nil)
	ctx, goAway := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := v.Verify(ctx, token); first <- err }()
	<-asked
	goAway()
	if err := <-first; err == nil {
		t.Error("it has an answer that is not there yet")
	}
	close(proceed)
	if who, err := v.Verify(t.Context(), token); err != nil || who.Subject != "ada" {
		t.Errorf("got %v, %v", who, err)
	}
	if n := b.Asked(oidctest.JWKS); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}
