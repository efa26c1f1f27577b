package config

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Identity is how requests are told who they are from.
type Identity struct {
	OIDCIssuer     string        `name:"oidc-issuer" help:"The OpenID Connect provider whose tokens are accepted. Without one, everyone may do anything." placeholder:"URL"`
	OIDCAudience   string        `name:"oidc-audience" help:"Whom tokens must be for: this API's name at the provider." placeholder:"NAME"`
	OIDCRolesClaim string        `name:"oidc-roles-claim" help:"The claim with the roles admin, provider and client; a path with dots leads into objects." placeholder:"CLAIM" default:"roles"`
	OIDCLeeway     time.Duration `name:"oidc-leeway" help:"How far the provider's clock and this one may differ." default:"30s"`
	FirstLogin     bool          `help:"Give clients and providers who come for the first time a row of their own, with the names in their token."`

	DevTokens bool   `help:"Accept the tokens that docket token makes, on this machine only."`
	DevKey    string `help:"The key of these tokens. By default it is in the user's cache directory." placeholder:"FILE"`
}

// validate reports the first setting that cannot work on such a server.
// Loopback says that only this machine can reach it.
func (i Identity) validate(s Server, loopback bool) error {
	switch {
	case i.DevTokens && s.Environment.Deployed():
		return fmt.Errorf("dev-tokens: not in environment %s", s.Environment)
	case i.DevTokens && !loopback:
		return fmt.Errorf("dev-tokens: others can reach %q; listen on localhost", s.Listen)
	case i.DevTokens && i.OIDCIssuer != "":
		return errors.New("dev-tokens: not beside an oidc-issuer")
	case i.OIDCIssuer != "":
		return i.validateOIDC()
	case i.OIDCAudience != "":
		return errors.New("oidc-audience: needs an oidc-issuer")
	case i.FirstLogin && !i.DevTokens:
		return errors.New("first-login: needs an oidc-issuer or dev-tokens, which say who comes")
	case !loopback && !s.Insecure:
		return fmt.Errorf("listen: others can reach %q, and nothing checks who they are; name an oidc-issuer, listen on localhost, or say --insecure", s.Listen)
	case s.Environment.Deployed() && !s.Insecure:
		return fmt.Errorf("oidc-issuer: must be given in environment %s; or say --insecure", s.Environment)
	}
	return nil
}

func (i Identity) validateOIDC() error {
	u, err := url.Parse(i.OIDCIssuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return errors.New("oidc-issuer: must be an https URL, or http on localhost")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" { // OpenID Connect Core, 2: iss
		return errors.New("oidc-issuer: must have no user, query or fragment")
	}
	if i.OIDCAudience == "" {
		return errors.New("oidc-audience: must be given with an oidc-issuer, or tokens for others would do")
	}
	if i.OIDCRolesClaim == "" {
		return errors.New("oidc-roles-claim: must be given")
	}
	if i.OIDCLeeway < 0 || i.OIDCLeeway > 5*time.Minute {
		return fmt.Errorf("oidc-leeway: %v is not between 0s and 5m", i.OIDCLeeway)
	}
	return nil
}
