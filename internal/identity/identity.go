// Package identity tells who a request is from, by its bearer token: a JWT that
// an OpenID Connect provider signed, or, while developing, docket itself.
//
// A token is judged by what this server was told and by the provider's keys,
// never by what the token says of itself: headers that bring or name a key (jwk,
// jku, x5c, x5u) count for nothing.
package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"docket/internal/viewer"
)

const maxToken = 8 << 10 // bytes

// algorithms are those by which only the provider can sign: none with a secret
// that both sides have, let alone no signature (RFC 8725, 3.1).
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// types are the values of the header typ that an access token can have, if any, in
// lower case (RFC 7519, 5.1; RFC 9068, 2.1). Others are for something else, as
// logout.
var types = []string{"jwt", "application/jwt", "at+jwt", "application/at+jwt"}

// Keys are what tokens are signed with.
type Keys interface {
	// Keys returns those that a token with these headers can be signed with: none,
	// where there are none, or an error that is ErrUnavailable, where that cannot
	// be told.
	Keys(ctx context.Context, alg, kid string) ([]jose.JSONWebKey, error)
}

// ErrUnavailable says that the keys cannot be had: a token may be good or not.
var ErrUnavailable = errors.New("the identity provider cannot be reached")

// Refusal is what is wrong with a token, as a sentence for whoever sent it.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Verifier verifies tokens.
type Verifier struct {
	Issuer     string        // iss of a token, exactly
	Audience   string        // which is among the aud of a token
	RolesClaim string        // the claim with the roles: a name, or a path with dots
	Leeway     time.Duration // how far the provider's clock and ours may differ
	Keys       Keys
	Clock      func() time.Time

	// Loopback refuses tokens that come in by an address which others can reach.
	Loopback bool
}

// Verify returns whom the token is about. The error is a Refusal, or
// ErrUnavailable, or the context's.
func (v *Verifier) Verify(ctx context.Context, token string) (viewer.Viewer, error) {
	if len(token) > maxToken {
		return viewer.Viewer{}, Refusal(fmt.Sprintf("The token is longer than %d bytes.", maxToken))
	}
	t, err := jwt.ParseSigned(token, algorithms)
	if wrong := (*jose.ErrUnexpectedSignatureAlgorithm)(nil); errors.As(err, &wrong) {
		return viewer.Viewer{}, Refusal("The token is not signed with an algorithm that is accepted here.")
	}
	if err != nil {
		return viewer.Viewer{}, Refusal("The token is not a signed JWT.")
	}
	header := t.Headers[0]
	if typ, ok := header.ExtraHeaders[jose.HeaderType]; ok && !slices.Contains(types, strings.ToLower(fmt.Sprint(typ))) {
		return viewer.Viewer{}, Refusal("The token is of a type that gives no access.")
	}
	if _, ok := header.ExtraHeaders["crit"]; ok { // RFC 7515, 4.1.11: we understand none
		return viewer.Viewer{}, Refusal("The token has critical headers that are not understood here.")
	}
	// What it claims comes first: it is cheap, and what is refused for it makes
	// nobody ask the provider for keys. Who it is about counts once it is signed.
	var c claims
	if err := t.UnsafeClaimsWithoutVerification(&c.Claims, &c.all); err != nil {
		return viewer.Viewer{}, Refusal("The token's claims cannot be read.")
	}
	if err := v.check(c); err != nil {
		return viewer.Viewer{}, err
	}
	keys, err := v.Keys.Keys(ctx, header.Algorithm, header.KeyID)
	if err != nil {
		return viewer.Viewer{}, err
	}
	if len(keys) == 0 {
		return viewer.Viewer{}, Refusal("The token is signed with a key that is not the provider's.")
	}
	for _, key := range keys {
		if t.Claims(key) == nil {
			return c.viewer(v.RolesClaim), nil
		}
	}
	return viewer.Viewer{}, Refusal("The token's signature is wrong.")
}
