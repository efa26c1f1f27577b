package identity

import (
	"slices"
	"strings"
	"unicode"

	"github.com/go-jose/go-jose/v4/jwt"

	"docket/internal/viewer"
)

const (
	maxSubject = 255 // bytes (OpenID Connect Core, 2: sub)
	maxName    = 255 // bytes
)

// claims are what a token says. They are read with a decoder that minds case and
// takes no name twice, so that nobody else can read them differently.
type claims struct {
	jwt.Claims
	all map[string]any
}

// check refuses claims that are not for us, or not now (RFC 7519, 4.1).
func (v *Verifier) check(c claims) error {
	now := v.Clock()
	switch {
	case c.Issuer != v.Issuer:
		return Refusal("The token is from another issuer.")
	case !c.Audience.Contains(v.Audience):
		return Refusal("The token is for another audience.")
	case c.Expiry == nil:
		return Refusal("The token does not say when it expires.")
	case !now.Add(-v.Leeway).Before(c.Expiry.Time()):
		return Refusal("The token has expired.")
	case c.NotBefore != nil && now.Add(v.Leeway).Before(c.NotBefore.Time()):
		return Refusal("The token is not valid yet.")
	case c.IssuedAt != nil && now.Add(v.Leeway).Before(c.IssuedAt.Time()):
		return Refusal("The token is from the future.")
	case c.all["cnf"] != nil: // RFC 7800; RFC 9449, 7.2: not to be taken without its proof
		return Refusal("The token is bound to a key: it is no bearer token.")
	case !text(c.Subject, maxSubject):
		return Refusal("The token does not say whom it is about, in 1 to 255 printable bytes.")
	}
	return nil
}

// viewer is whom the claims are about. What is odd beside their subject gives
// them no role and no name.
func (c claims) viewer(rolesClaim string) viewer.Viewer {
	v := viewer.Viewer{Subject: c.Subject}
	for _, name := range listed(at(c.all, rolesClaim)) {
		role := viewer.Role(name)
		if slices.Contains([]viewer.Role{viewer.Admin, viewer.Provider, viewer.Client}, role) && !v.Is(role) {
			v.Roles = append(v.Roles, role)
		}
	}
	for name, to := range map[string]*string{"given_name": &v.GivenName, "family_name": &v.FamilyName} {
		if s, ok := c.all[name].(string); ok && text(s, maxName) {
			*to = s
		}
	}
	return v
}

// at is the claim of that name, or else the one that a path with dots leads to:
// names can have dots, too, as those that are URLs.
func at(claims map[string]any, path string) any {
	if value, ok := claims[path]; ok {
		return value
	}
	first, rest, ok := strings.Cut(path, ".")
	if !ok {
		return nil
	}
	inner, _ := claims[first].(map[string]any)
	return at(inner, rest)
}

// listed are the strings of a claim that is one, or a list of them.
func listed(claim any) (all []string) {
	switch claim := claim.(type) {
	case string:
		return []string{claim}
	case []any:
		for _, one := range claim {
			if s, ok := one.(string); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

// text reports whether s is something to read, that a database can keep.
func text(s string, longest int) bool {
	odd := func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }
	return s != "" && len(s) <= longest && !strings.ContainsFunc(s, odd)
}
