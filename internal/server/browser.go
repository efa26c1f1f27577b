package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"
)

// guarded tells browsers to make nothing of an answer but what it is: it is not
// sniffed, framed, embedded by other sites or kept, and loads nothing. Handlers
// that serve a page say what that may do instead.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Cache-Control":                "no-store",
			"Content-Security-Policy":      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
		} {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}

// shared lets pages of the configured origins read answers, and those of no
// other send anything but what is safe. No cookie says who a request is from, so
// none is allowed for.
func (s *Server) shared(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusForbidden, "pages of this origin may not send requests: cors-origins does not name it")
	}))
	if len(s.Origins) == 0 { // cors takes none for all
		return protection.Handler(next)
	}
	for _, origin := range s.Origins {
		_ = protection.AddTrustedOrigin(origin) // fails for what is no origin, which then is not trusted
	}
	return cors.New(cors.Options{
		AllowedOrigins: s.Origins,
		AllowedMethods: []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{"Accept", "Authorization", "Content-Type"},
		ExposedHeaders: []string{"Retry-After", "WWW-Authenticate", "RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"},
		MaxAge:         int((2 * time.Hour).Seconds()),
	}).Handler(protection.Handler(next))
}

// called answers only requests that call the server by one of its names: a page
// of a site whose name leads here counts as ours to its browser. An address is
// no name, and leads nowhere else.
func (s *Server) called(next http.Handler) http.Handler {
	if len(s.Hosts) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.ToLower(hostname(r.Host))
		_, err := netip.ParseAddr(host)
		if err != nil && host != "" && host != "localhost" && !slices.Contains(s.Hosts, host) {
			say(w, http.StatusMisdirectedRequest, "this server does not answer to that name: hosts does not have it")
			return
		}
		next.ServeHTTP(w, r)
	})
}
