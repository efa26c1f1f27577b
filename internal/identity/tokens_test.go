package identity_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"docket/internal/oidctest"
	"docket/internal/viewer"
)

type claims = map[string]any

func TestTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada := viewer.Viewer{Subject: "ada"}
	longest := strings.Repeat("s", 255)
	tests := map[string]struct {
		changes claims
		want    viewer.Viewer
	}{
		"a subject":              {nil, ada},
		"the longest subject":    {claims{"sub": longest}, viewer.Viewer{Subject: longest}},
		"names":                  {claims{"given_name": "Ada", "family_name": "Nowak-Ćwik"}, viewer.Viewer{Subject: "ada", GivenName: "Ada", FamilyName: "Nowak-Ćwik"}},
		"names of odd types":     {claims{"given_name": 5, "family_name": claims{}}, ada},
		"names beyond measure":   {claims{"given_name": strings.Repeat("n", 256), "family_name": "a\x00b"}, ada},
		"one of many audiences":  {claims{"aud": []string{"another", oidctest.Audience}}, ada},
		"no iat":                 {claims{"iat": nil}, ada},
		"an nbf that has passed": {claims{"nbf": b.clock.Now().Unix()}, ada},
		"fractions of seconds":   {claims{"exp": float64(b.clock.Now().Unix()) + 60.5}, ada},

		"all roles":        {claims{"roles": []string{"admin", "provider", "client"}}, viewer.Viewer{Subject: "ada", Roles: []viewer.Role{"admin", "provider", "client"}}},
		"one role":         {claims{"roles": "client"}, viewer.Viewer{Subject: "ada", Roles: []viewer.Role{"client"}}},
		"a role twice":     {claims{"roles": []string{"client", "client"}}, viewer.Viewer{Subject: "ada", Roles: []viewer.Role{"client"}}},
		"unknown roles":    {claims{"roles": []string{"root", "Admin", "admin ", "", "provider"}}, viewer.Viewer{Subject: "ada", Roles: []viewer.Role{"provider"}}},
		"many in one":      {claims{"roles": "admin client"}, ada},
		"a number":         {claims{"roles": 1}, ada},
		"true":             {claims{"roles": true}, ada},
		"an object":        {claims{"roles": claims{"admin": true}}, ada},
		"a list of lists":  {claims{"roles": []any{[]string{"admin"}, claims{"admin": "admin"}, nil, 1}}, ada},
		"another's claim":  {claims{"Roles": "admin", "role": "admin"}, ada},
		"a mixed list":     {claims{"roles": []any{1, "client"}}, viewer.Viewer{Subject: "ada", Roles: []viewer.Role{"client"}}},
		"deep and useless": {claims{"roles": deep(500)}, ada},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask(t, b.url, "Bearer "+b.token(t, tt.changes)).is(t, tt.want)
		})
	}
}

func deep(n int) any {
	if n == 0 {
		return "admin"
	}
	return []any{deep(n - 1)}
}

// The claim with the roles is where the provider puts it.
func TestRolesClaim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for claim, has := range map[string]claims{
		"role":                      {"role": "client"},
		"realm_access.roles":        {"realm_access": claims{"roles": []string{"client", "offline_access"}}},
		"resource_access.docket.of": {"resource_access": claims{"docket": claims{"of": "client"}}},
		"https://example.org/roles": {"https://example.org/roles": []string{"client"}},
		"dotted.name":               {"dotted.name": "client", "dotted": claims{"name": "admin"}},
		"a.b.c":                     {"a": claims{"b.c": "client"}},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			v := b.verifier()
			v.RolesClaim = claim
			url := serve(t, v.Handler)
			ask(t, url, "Bearer "+b.token(t, has)).is(t, viewer.Viewer{Subject: "ada", Roles: []viewer.Role{viewer.Client}})
			for _, odd := range []claims{{}, {"realm_access": "roles"}, {"realm_access": nil}, {"a": []string{"b"}}, {"roles": "admin"}} {
				ask(t, url, "Bearer "+b.token(t, odd)).is(t, viewer.Viewer{Subject: "ada"})
			}
		})
	}
}

// Each algorithm, with a key of its own.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rsa := oidctest.Key(t, jose.RS256, "rsa")
	rsa.Algorithm = "" // for any that it fits
	keys := []jose.JSONWebKey{
		b.key, oidctest.Key(t, jose.ES384, "es384"), oidctest.Key(t, jose.ES512, "es512"), oidctest.Key(t, jose.EdDSA, "ed"), rsa,
	}
	b.Publish(keys...)
	for _, algorithm := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		key := rsa
		key.Algorithm = algorithm
		keys = append(keys, key)
	}
	for _, key := range keys {
		if key.Algorithm == "" {
			continue
		}
		t.Run(key.Algorithm, func(t *testing.T) {
			t.Parallel()
			token := oidctest.Sign(t, key, b.Claims(b.clock.Now(), "ada", nil), nil)
			ask(t, b.url, "Bearer "+token).is(t, viewer.Viewer{Subject: "ada"})
			ask(t, b.url, "Bearer "+wronglySigned(token)).refused(t, "The token's signature is wrong.")
		})
	}
}

// wronglySigned alters the signature of a token.
func wronglySigned(token string) string {
	at := strings.LastIndex(token, ".") + 10
	other := "A"
	if token[at:at+1] == other {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

func TestTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for typ, good := range map[any]bool{
		"JWT": true, "jwt": true, "at+jwt": true, "application/at+jwt": true, "AT+JWT": true,
		"logout+jwt": false, "dpop+jwt": false, "secevent+jwt": false, "JWS": false, "at": false, "": false, 5: false,
	} {
		a := ask(t, b.url, "Bearer "+oidctest.Sign(t, b.key, b.Claims(b.clock.Now(), "ada", nil), claims{"typ": typ}))
		if good {
			a.is(t, viewer.Viewer{Subject: "ada"})
		} else {
			a.refused(t, "The token is of a type that gives no access.")
		}
	}
}

// A token is good from nbf to exp, by a clock that may be 30 seconds off.
func TestLeeway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := func(d time.Duration) int64 { return b.clock.Now().Add(d).Unix() }
	for name, tt := range map[string]struct {
		changes claims
		wrong   string
	}{
		"about to expire":       {claims{"exp": at(-29 * time.Second)}, ""},
		"expired now":           {claims{"exp": at(-30 * time.Second)}, "The token has expired."},
		"about to become valid": {claims{"nbf": at(30 * time.Second)}, ""},
		"not yet":               {claims{"nbf": at(31 * time.Second)}, "The token is not valid yet."},
		"issued just now":       {claims{"iat": at(30 * time.Second)}, ""},
		"issued in the future":  {claims{"iat": at(31 * time.Second)}, "The token is from the future."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, b.url, "Bearer "+b.token(t, tt.changes))
			if tt.wrong == "" {
				a.is(t, viewer.Viewer{Subject: "ada"})
			} else {
				a.refused(t, tt.wrong)
			}
		})
	}
}

// A request without a token is from nobody in particular, wherever else it has one.
func TestAnonymous(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.token(t, claims{"roles": "admin"})
	ask(t, b.url).is(t, viewer.Viewer{})

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"?access_token="+token+"&token="+token, strings.NewReader("access_token="+token))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Authorization", "Bearer "+token)
	r.Header.Set("Proxy-Authorization", "Bearer "+token)
	r.Header.Set("Cookie", "Authorization="+token)
	do(t, r).is(t, viewer.Viewer{})
	if n := b.Asked(oidctest.Discovery); n != 0 {
		t.Errorf("the provider was asked %d times about nothing", n)
	}
}
