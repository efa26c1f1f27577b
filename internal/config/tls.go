package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"docket/internal/database"
)

// LetsEncrypt is the authority that is asked for certificates where no other is
// named.
const LetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// TLS is how the server proves its name to who connects, if it does.
type TLS struct {
	TLSCert string `help:"Serve HTTPS with the certificates in this file, in PEM, the server's own first. It is read again when it changes." placeholder:"FILE"`
	TLSKey  string `help:"The key of the certificate, in PEM." placeholder:"FILE"`

	ACMEDomain      string `help:"Serve HTTPS with certificates that are got by ACME, for these host names, with commas between." placeholder:"NAME,…"`
	ACMECache       string `help:"The folder to keep them in, with their keys." placeholder:"DIR"`
	ACMEAcceptTerms bool   `help:"Accept the terms of service of the authority."`
	ACMEEmail       string `help:"Where the authority can write to." placeholder:"ADDRESS"`
	ACMEDirectory   string `help:"The authority: the URL at which it speaks ACME." placeholder:"URL" default:"https://acme-v02.api.letsencrypt.org/directory"`

	RedirectFrom string        `help:"Listen for plain HTTP too, for nothing but to redirect to HTTPS and to prove names to the authority." placeholder:"HOST:PORT"`
	RedirectPort int           `help:"The port of HTTPS as others see it, where it is not that of --listen." placeholder:"PORT"`
	HSTS         time.Duration `name:"hsts" help:"How long browsers that came by HTTPS are to use nothing else; 0s to leave it to them." default:"8760h"`

	DatabaseUnverified bool `help:"In staging and production, let PostgreSQL on another machine go without proving who it is."`
}

// Secure reports whether the server speaks HTTPS.
func (t TLS) Secure() bool { return t.TLSCert != "" || t.ACMEDomain != "" }

// Domains are the host names to get certificates for.
func (t TLS) Domains() []string { return strings.Split(t.ACMEDomain, ",") }

// Verified reports an error where others depend on a server and its database can be
// somebody else's.
func Verified(e Environment, url string, unverified bool) error {
	if !e.Deployed() || unverified {
		return nil
	}
	if err := database.Verified(url); err != nil {
		return fmt.Errorf("database: %w; or say --database-unverified", err)
	}
	return nil
}

func (t TLS) validate() error {
	if (t.TLSCert == "") != (t.TLSKey == "") {
		return errors.New("tls-cert, tls-key: one is of no use without the other")
	}
	if t.TLSCert != "" && t.ACMEDomain != "" {
		return errors.New("acme-domain: the certificate is that of tls-cert; give one of the two")
	}
	if err := t.validateACME(); err != nil {
		return err
	}
	if t.HSTS < 0 || t.HSTS > 2*365*24*time.Hour || t.HSTS%time.Second != 0 {
		return fmt.Errorf("hsts: %v is not between 0s and 17520h (2 years), in whole seconds", t.HSTS)
	}
	return t.validateRedirect()
}

// host is a name that an authority can be shown, in ASCII, with a dot in it.
var host = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (t TLS) validateACME() error {
	if t.ACMEDomain == "" {
		switch {
		case t.ACMECache != "", t.ACMEAcceptTerms, t.ACMEEmail != "", t.ACMEDirectory != LetsEncrypt && t.ACMEDirectory != "":
			return errors.New("acme-domain: must be given with any other acme setting")
		}
		return nil
	}
	for _, name := range t.Domains() {
		if !host.MatchString(name) || len(name) > 253 {
			return fmt.Errorf("acme-domain: %q is not the name of a host, in lower case (xn--… for other letters), without a star", name)
		}
	}
	if u, err := url.Parse(t.ACMEDirectory); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("acme-directory: %q is not an https URL", t.ACMEDirectory)
	}
	if t.ACMECache == "" {
		return errors.New("acme-cache: must name a folder that outlives the server; authorities grant few certificates a week")
	}
	if !t.ACMEAcceptTerms {
		return fmt.Errorf("acme-accept-terms: %s gives certificates to who accepts its terms of service", t.ACMEDirectory)
	}
	return nil
}

func (t TLS) validateRedirect() error {
	if t.RedirectPort < 0 || t.RedirectPort > 65535 {
		return fmt.Errorf("redirect-port: %d is not a port", t.RedirectPort)
	}
	if t.RedirectFrom == "" {
		if t.RedirectPort != 0 {
			return errors.New("redirect-port: nothing is redirected without redirect-from")
		}
		return nil
	}
	if !t.Secure() {
		return errors.New("redirect-from: there is no HTTPS to redirect to; give tls-cert and tls-key, or acme-domain")
	}
	return validateAddress("redirect-from", t.RedirectFrom)
}
