package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"docket/internal/identity"
	"docket/internal/telemetry"
	"docket/internal/viewer"
)

// maxTTL is how long a development token is good at most.
const maxTTL = 30 * 24 * time.Hour

type tokenCommand struct {
	Subject    string        `help:"Who it is about." required:""`
	Role       []viewer.Role `help:"What they are: ${enum}. May be given several times." enum:"admin,provider,client"`
	GivenName  string        `help:"What they are called."`
	FamilyName string        `help:"What they are called."`
	TTL        time.Duration `help:"How long it is good." default:"1h"`
	DevKey     string        `help:"The key to sign with, as of serve." placeholder:"FILE"`
}

// Run prints a token. The key is one that a server has made: only there is it
// good for anything.
func (c tokenCommand) Run(out io.Writer) error {
	if c.Subject == "" || len(c.Subject) > 255 {
		return errors.New("subject: must have 1 to 255 bytes")
	}
	if c.TTL < time.Second || c.TTL > maxTTL {
		return fmt.Errorf("ttl: %v is not between 1s and %v", c.TTL, maxTTL)
	}
	path, err := developmentFile(c.DevKey)
	if err != nil {
		return err
	}
	key, err := identity.ReadDevelopmentKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("dev-key: there is none at %s; docket serve --dev-tokens makes it", path)
	}
	if err != nil {
		return fmt.Errorf("dev-key: %w", err)
	}
	who := viewer.Viewer{Subject: c.Subject, Roles: c.Role, GivenName: c.GivenName, FamilyName: c.FamilyName}
	token, err := key.Sign(who, time.Now(), c.TTL)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, token)
	return nil
}

// identified tells the API who a request is from; how is for whoever starts the
// server.
func (c serveCommand) identified(api http.Handler, told *telemetry.Telemetry, log *slog.Logger) (identified http.Handler, how string, err error) {
	switch {
	case c.DevTokens:
		path, err := developmentFile(c.DevKey)
		if err != nil {
			return nil, "", err
		}
		key, err := identity.MakeDevelopmentKey(path)
		if err != nil {
			return nil, "", fmt.Errorf("dev-key: %w", err)
		}
		how = "Requests are from whom their token says: docket token --subject NAME --role ROLE makes one."
		return key.Verifier(time.Now).Handler(api), how, nil
	case c.OIDCIssuer != "":
		keys := identity.NewProvider(c.OIDCIssuer, time.Now, log)
		v := &identity.Verifier{
			Issuer: c.OIDCIssuer, Audience: c.OIDCAudience, RolesClaim: c.OIDCRolesClaim, Leeway: c.OIDCLeeway,
			Keys: keys, Clock: time.Now,
		}
		return v.Handler(api), "Requests are from whom a token of " + c.OIDCIssuer + " says.", told.ObserveKeys(keys.Fetches)
	}
	return viewer.Local().Handler(api), "No identity provider is configured: everyone may do anything.", nil
}

func developmentFile(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	path, err := identity.DevelopmentFile()
	if err != nil {
		return "", fmt.Errorf("dev-key: must be given: %w", err)
	}
	return path, nil
}
