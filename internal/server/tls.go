package server

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// streams is how many requests an HTTP/2 connection has at once at most. Those that
// a client takes back (CVE-2023-44487) count until they have ended: Go's server
// sees to that, and closes the connection of who goes on.
const streams = 100

// TLS is how a server speaks HTTPS, and what it does with plain HTTP.
type TLS struct {
	Config *tls.Config                 // its certificates
	Knows  func(host string) bool      // whether they are for the host
	Ends   func() map[string]time.Time // when they end, by host
	HSTS   time.Duration               // how long browsers are to use HTTPS only; 0 is not to tell them

	Plain      net.Listener                    // whose requests are redirected; nil if there is none
	Port       string                          // where to
	Challenges func(http.Handler) http.Handler // answers on Plain what comes of ACME; nil if nothing does
}

// site is a listener and who answers on it.
type site struct {
	*http.Server
	net.Listener
	secure bool
}

func (s site) serve() error {
	if s.secure {
		return s.ServeTLS(s.Listener, "", "")
	}
	return s.Serve(s.Listener)
}

// sites are the API on the listener, and what redirects to it.
func (s *Server) sites(l net.Listener) []site {
	h := s.http(s.Handler())
	if s.TLS == nil {
		return []site{{Server: h, Listener: l}}
	}
	h.Handler = s.TLS.strict(h.Handler)
	h.TLSConfig = s.TLS.Config.Clone()
	h.TLSConfig.MinVersion = tls.VersionTLS12
	h.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
	all := []site{{h, l, true}}
	if s.TLS.Plain != nil {
		plain := s.http(s.TLS.redirect())
		plain.MaxHeaderBytes = 8 << 10
		all = append(all, site{Server: plain, Listener: s.TLS.Plain})
	}
	return all
}

// strict tells browsers to use HTTPS only (RFC 6797). Not those at localhost: every
// other server there would be beyond their reach.
func (t *TLS) strict(next http.Handler) http.Handler {
	if t.HSTS == 0 {
		return next
	}
	header := fmt.Sprintf("max-age=%d", t.HSTS/time.Second)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hostname(r.Host) != "localhost" {
			w.Header().Set("Strict-Transport-Security", header)
		}
		next.ServeHTTP(w, r)
	})
}

// redirect leads to the same page over HTTPS, at a host that the certificates are
// for: any other may be somebody else's. What a program sent in the clear, it is
// not to send again as if nothing had happened.
func (t *TLS) redirect() http.Handler {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		switch {
		case !t.Knows(host):
			say(w, http.StatusMisdirectedRequest, "this server has no certificate for the host that was asked for")
		case r.Method != http.MethodGet && r.Method != http.MethodHead, r.Header.Get("Authorization") != "":
			say(w, http.StatusForbidden, "use https: others could read what was sent, and any secret in it has to be replaced")
		default:
			to := url.URL{Scheme: "https", Host: t.authority(host), Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
			w.Header().Set("Location", to.String())
			w.WriteHeader(http.StatusPermanentRedirect)
		}
	})
	if t.Challenges != nil {
		h = t.Challenges(h)
	}
	return h
}

// authority is the host with the port of HTTPS, where that is not understood.
func (t *TLS) authority(host string) string {
	if t.Port != "443" {
		return net.JoinHostPort(host, t.Port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// hostname is a Host header without its port, and without the brackets of an
// address.
func hostname(host string) string { return (&url.URL{Host: host}).Hostname() }
