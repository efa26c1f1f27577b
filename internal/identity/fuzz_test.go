package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"docket/internal/identity"
	"docket/internal/oidctest"
)

// one has one key, whatever a token says.
type one struct{ key jose.JSONWebKey }

func (o one) Keys(context.Context, string, string) ([]jose.JSONWebKey, error) {
	return []jose.JSONWebKey{o.key.Public()}, nil
}

// fuzzed verifies tokens of one key.
func fuzzed(f *testing.F) (*identity.Verifier, jose.JSONWebKey) {
	f.Helper()
	key := oidctest.Key(f, jose.EdDSA, "one")
	now := time.Unix(1_777_888_999, 0)
	return &identity.Verifier{
		Issuer: "i", Audience: "a", RolesClaim: "r.s", Leeway: 30 * time.Second, Keys: one{key},
		Clock: func() time.Time { return now },
	}, key
}

// FuzzToken sends any text: nobody but who has the key makes a token.
func FuzzToken(f *testing.F) {
	v, _ := fuzzed(f)
	good := oidctest.Sign(f, oidctest.Key(f, jose.EdDSA, "other"), `{"iss":"i","aud":"a","sub":"s","exp":1777889000}`, nil)
	for _, seed := range []string{
		"", ".", "..", "...", good, good[:40], plain(`{"alg":"none"}`, `{"iss":"i","aud":"a","sub":"s","exp":1777889000}`, ""),
		plain(`{"alg":"EdDSA","crit":["b64"],"b64":false}`, `{"iss":"i"}`, "s"), plain(`{"alg":"EdDSA","jwk":{"kty":"OKP"}}`, `{}`, "s"),
		plain(`{"alg":"EdDSA","alg":"HS256"}`, `{"exp":1e999}`, "s"), plain(`{"alg":"ES256","x5c":["AA"]}`, strings.Repeat("[", 99), "s"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		who, err := v.Verify(t.Context(), token)
		if refusal := identity.Refusal(""); !errors.As(err, &refusal) {
			t.Fatalf("got %+v, %v", who, err)
		} else if strings.ContainsAny(string(refusal), "\"\\\n") {
			t.Errorf("%q does not fit into a header", refusal)
		}
	})
}

// FuzzClaims has any claims signed by who may. Whom they are about is what a
// plain reading of them says, or they are refused.
func FuzzClaims(f *testing.F) {
	v, key := fuzzed(f)
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `5`, `{"iss":"i","aud":"a","sub":"s","exp":1777889000}`, `{"iss":"i","aud":["a"],"sub":"s","exp":1777889000.5,"r":{"s":["admin"]}}`,
		`{"iss":"i","aud":"a","sub":"s","sub":"t","exp":1777889000}`, `{"iss":"i","aud":"a","Sub":"s","exp":9e18,"nbf":-9e18}`, `{"iss":"i","aud":"a","sub":"\ud800","exp":1e18}`,
		`{"iss":"i","aud":"a","sub":"s","exp":1777889000,"r.s":"client","r":5,"cnf":null}`, `{"iss":"i","aud":"a","sub":"s","exp":1777889000,"given_name":"g","family_name":["f"]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		who, err := v.Verify(t.Context(), oidctest.Sign(t, key, payload, nil))
		if refusal := identity.Refusal(""); errors.As(err, &refusal) {
			return
		}
		must(t, err)
		var plainly map[string]any
		must(t, json.Unmarshal([]byte(payload), &plainly))
		expires, _ := plainly["exp"].(float64)
		if who.Subject == "" || who.Subject != plainly["sub"] || plainly["iss"] != "i" || expires < 1_777_888_969 {
			t.Errorf("%+v by %s", who, payload)
		}
		if !utf8.ValidString(who.Subject+who.GivenName+who.FamilyName) || strings.ContainsAny(who.Subject+who.GivenName+who.FamilyName, "\x00\r\n") {
			t.Errorf("%+q", []string{who.Subject, who.GivenName, who.FamilyName})
		}
		for _, role := range who.Roles {
			if role != "admin" && role != "provider" && role != "client" {
				t.Errorf("%+v by %s", who, payload)
			}
		}
		if len(who.Roles) > 3 {
			t.Errorf("the roles are %v", who.Roles)
		}
	})
}
