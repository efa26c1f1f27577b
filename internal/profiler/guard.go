package profiler

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guarded answers only this machine, and only its own pages: what is shown is
// everybody's data. The server may have other names and let other origins in;
// this has nothing to do with them.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reason := stranger(r); reason != "" {
			refuse(w, http.StatusForbidden, reason)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		for name := range h { // of cors-origins
			if strings.HasPrefix(name, "Access-Control-") {
				h.Del(name)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// stranger says why a request is not one of this machine's to this machine.
func stranger(r *http.Request) string {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if len(r.Header.Values(name)) > 0 {
			return "the profiler answers this machine only, and this request came through a proxy"
		}
	}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !from.Addr().Unmap().IsLoopback() {
		return "the profiler answers this machine only; from another, use ssh -L"
	}
	if !loopback(r.Host) { // a site may have its name lead here
		return "the profiler answers to localhost only, not to another name"
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return "the profiler answers its own pages only; open it by its address"
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return "the profiler answers its own pages only"
		}
	}
	return ""
}

// loopback reports whether a Host header names this machine.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func refuse(w http.ResponseWriter, status int, reason string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(reason + "\n")) //nolint:gosec // G705: as text/plain, which is not sniffed
}
