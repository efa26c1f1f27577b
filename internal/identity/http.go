package identity

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"docket/internal/refusal"
	"docket/internal/viewer"
)

// Handler puts who a request is from into its context: nobody, where it has no
// token. One with a token that is not good is refused, as RFC 6750, 3 says; it is
// never taken for one without.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := v.viewer(r)
		if err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(viewer.NewContext(r.Context(), who)))
	})
}

// viewer reads the header Authorization: neither cookies, which browsers send
// unasked, nor the URL, which is logged.
func (v *Verifier) viewer(r *http.Request) (viewer.Viewer, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return viewer.Viewer{}, nil
	}
	if v.Loopback && !onLoopback(r) {
		return viewer.Viewer{}, Refusal("Development tokens are for this machine only.")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return viewer.Viewer{}, Refusal("Send one header Authorization: Bearer TOKEN.")
	}
	return v.Verify(r.Context(), strings.Trim(token, " "))
}

// onLoopback reports whether the request came in by an address that only this
// machine can reach.
func onLoopback(r *http.Request) bool {
	address, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return address != nil && address.IP.IsLoopback()
}

// refuse answers in the form of GraphQL.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	wrong := Refusal("")
	if !errors.As(err, &wrong) {
		refusal.Unavailable("Tokens cannot be verified at the moment: the identity provider does not answer.", Retry).Write(w, r)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+string(wrong)+`"`)
	refusal.Refusal{Status: http.StatusUnauthorized, Code: "UNAUTHENTICATED", Message: string(wrong)}.Write(w, r)
}
