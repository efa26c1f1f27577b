package identity_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
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

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bundle is a provider with one key and a server that takes its tokens.
type bundle struct {
	*oidctest.Provider
	clock *clock
	key   jose.JSONWebKey
	url   string // answers with who asks
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{clock: &clock{now: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)}, key: oidctest.Key(t, jose.ES256, "one")}
	b.Provider = oidctest.Start(t, b.key)
	b.url = serve(t, b.verifier().Handler)
	return b
}

func (b *bundle) verifier() *identity.Verifier {
	return &identity.Verifier{
		Issuer: b.URL, Audience: oidctest.Audience, RolesClaim: "roles", Leeway: 30 * time.Second, Clock: b.clock.Now,
		Keys: identity.NewProvider(b.URL, b.clock.Now, logger()),
	}
}

func logger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// token is a good one about ada, with changes of its claims.
func (b *bundle) token(t testing.TB, changes map[string]any) string {
	t.Helper()
	return oidctest.Sign(t, b.key, b.Claims(b.clock.Now(), "ada", changes), nil)
}

// serve answers with who a request is from.
func serve(t testing.TB, handler func(http.Handler) http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := viewer.FromContext(r.Context())
		if !ok {
			http.Error(w, "from nobody at all", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(who)
	})))
	t.Cleanup(server.Close)
	return server.URL
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	who    viewer.Viewer
	body   string
}

// ask sends a request with the values of Authorization.
func ask(t testing.TB, url string, authorization ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	must(t, err)
	r.Header["Authorization"] = authorization
	return do(t, r)
}

func do(t testing.TB, r *http.Request) (a answer) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	a.status, a.header, a.body = response.StatusCode, response.Header, string(body)
	if a.status == http.StatusOK {
		must(t, json.Unmarshal(body, &a.who))
	}
	return a
}

// is checks that the request is from the viewer.
func (a answer) is(t testing.TB, want viewer.Viewer) {
	t.Helper()
	if a.status != http.StatusOK || !reflect.DeepEqual(a.who, want) {
		t.Errorf("got %d %s, want it from %+v", a.status, a.body, want)
	}
}

// refused checks that the token is told to be bad, and how.
func (a answer) refused(t testing.TB, why string) {
	t.Helper()
	var body struct {
		Errors []struct {
			Message    string
			Extensions map[string]any
		}
	}
	if a.status != http.StatusUnauthorized || json.Unmarshal([]byte(a.body), &body) != nil || len(body.Errors) != 1 {
		t.Fatalf("got %d %s, want it refused: %s", a.status, a.body, why)
	}
	if e := body.Errors[0]; e.Message != why || !reflect.DeepEqual(e.Extensions, map[string]any{"code": "UNAUTHENTICATED"}) {
		t.Errorf("got %s, want %q", a.body, why)
	}
	if got, want := a.header.Get("WWW-Authenticate"), `Bearer error="invalid_token", error_description="`+why+`"`; got != want {
		t.Errorf("got the challenge %s, want %s", got, want)
	}
}

// unavailable checks that nothing is said about the token.
func (a answer) unavailable(t testing.TB) {
	t.Helper()
	if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `"code":"UNAVAILABLE"`) ||
		a.header.Get("Retry-After") != "10" || a.header.Get("WWW-Authenticate") != "" {
		t.Errorf("got %d %v %s, want it unavailable", a.status, a.header, a.body)
	}
}
