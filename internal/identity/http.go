package identity

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

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
	status, extensions, message := http.StatusServiceUnavailable, map[string]any{"code": "UNAVAILABLE", "retryable": true, "done": false},
		"Tokens cannot be verified at the moment: the identity provider does not answer."
	header := w.Header()
	if refusal := Refusal(""); errors.As(err, &refusal) {
		status, extensions, message = http.StatusUnauthorized, map[string]any{"code": "UNAUTHENTICATED"}, string(refusal)
		header.Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+message+`"`)
	} else {
		header.Set("Retry-After", strconv.Itoa(int(Retry.Seconds())))
	}
	type problem struct {
		Message    string         `json:"message"`
		Extensions map[string]any `json:"extensions"`
	}
	body, err := json.Marshal(map[string][]problem{"errors": {{message, extensions}}})
	if err != nil {
		http.Error(w, http.StatusText(status), status)
		return
	}
	media := "application/json"
	if preferred := "application/graphql-response+json"; strings.Contains(r.Header.Get("Accept"), preferred) {
		media = preferred
	}
	header.Set("Content-Type", media+"; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
