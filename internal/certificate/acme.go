package certificate

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// How long to wait after an order failed: twice as long each time. Let's Encrypt
// takes five failures an hour for each name.
const (
	retryFirst = 2 * time.Minute
	retryMost  = time.Hour
)

// Order is what is asked of an authority.
type Order struct {
	Domains   []string     // host names, one certificate each
	Directory string       // the URL at which the authority speaks ACME
	Email     string       // for the authority to write to, or ""
	HTTP      bool         // prove names by HTTP-01 too: [ACME.Challenges] is served at port 80
	Cache     string       // the folder of the account's key, the certificates and their keys
	Client    *http.Client // nil for one that trusts the authorities of the machine
}

// ACME are certificates from an authority, by RFC 8555. It proves its names by
// TLS-ALPN-01 (RFC 8737) or HTTP-01.
type ACME struct {
	order   Order
	manager *autocert.Manager
	clock   func() time.Time
	log     *slog.Logger
	has     sync.Map // domain to when its certificate ends, once it has one
}

// NewACME accepts the authority's terms of service. Until [ACME.Keep] runs,
// nothing is asked of it.
func NewACME(order Order, clock func() time.Time, log *slog.Logger) *ACME {
	manager := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(order.Cache),
		HostPolicy: autocert.HostWhitelist(order.Domains...),
		Client:     &acme.Client{DirectoryURL: order.Directory, HTTPClient: order.Client, UserAgent: "docket"},
		Email:      order.Email,
	}
	if order.HTTP {
		_ = manager.HTTPHandler(nil) // which tells it so
	}
	return &ACME{order: order, manager: manager, clock: clock, log: log}
}

// Config is for a server that has these certificates.
func (a *ACME) Config() *tls.Config {
	return &tls.Config{GetCertificate: a.get, NextProtos: []string{"h2", "http/1.1", acme.ALPNProto}}
}

// Knows reports whether the host is one of the domains.
func (a *ACME) Knows(host string) bool { return slices.Contains(a.order.Domains, name(host)) }

// Ends is when the certificates end, as far as is known, by their domains.
func (a *ACME) Ends() map[string]time.Time {
	ends := map[string]time.Time{}
	a.has.Range(func(domain, end any) bool {
		ends[domain.(string)] = end.(time.Time)
		return true
	})
	return ends
}

// challenge is where the authority looks for a proof (RFC 8555, section 8.3).
var challenge = regexp.MustCompile(`^/\.well-known/acme-challenge/[A-Za-z0-9_-]{1,128}$`)

// Challenges answers the authority over plain HTTP, and passes on what others ask:
// whatever is no token would be looked for in the cache, and an error of that tells
// where it is.
func (a *ACME) Challenges(next http.Handler) http.Handler {
	proof := a.manager.HTTPHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !challenge.MatchString(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		r = r.WithContext(r.Context())
		r.Host = (&url.URL{Host: r.Host}).Hostname() // an authority that asks at another port than 80 names it
		proof.ServeHTTP(w, r)
	})
}

// get answers a handshake with a certificate that is there. It does not order
// one, as autocert would: whoever can connect could use up what the authority
// grants to a name, in a while in which it cannot be proved.
func (a *ACME) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
		return a.manager.GetCertificate(hello)
	}
	domain := name(hello.ServerName)
	if _, ok := a.has.Load(domain); !ok {
		return nil, fmt.Errorf("there is no certificate for %q", domain)
	}
	return a.manager.GetCertificate(asks(domain))
}

// Keep orders what is missing, until ctx is done. The manager renews what is there
// when two thirds of its time are over, and tells nobody how that went: what is
// late is said here.
func (a *ACME) Keep(ctx context.Context) {
	var all sync.WaitGroup
	for _, domain := range a.order.Domains {
		all.Go(func() { a.keep(ctx, domain) })
	}
	all.Wait()
}

func (a *ACME) keep(ctx context.Context, domain string) {
	retry := retryFirst
	for {
		got, err := a.manager.GetCertificate(asks(domain))
		wait := retry
		if err != nil {
			a.log.Error("no certificate", "domain", domain, "again", wait, "error", err)
			retry = min(2*retry, retryMost)
		} else {
			a.has.Store(domain, got.Leaf.NotAfter)
			wait = a.check(domain, got)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// check returns when to look at the certificate again: when it is to have been
// renewed, with a quarter of its time left.
func (a *ACME) check(domain string, got *tls.Certificate) time.Duration {
	leaf := got.Leaf
	late := leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 4).Sub(a.clock())
	if late > 0 {
		a.log.Info("certificate", "domain", domain, "ends", leaf.NotAfter)
		return late
	}
	a.log.Error("the certificate has not been renewed", "domain", domain, "ends", leaf.NotAfter)
	return retryMost
}

// asks is the handshake of a client of today: one without ECDSA would make the
// manager order a second certificate.
func asks(domain string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: domain, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}

// name is how a host is written among the domains.
func name(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }
