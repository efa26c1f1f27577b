// Package viewer is who a request is from, as far as its token tells.
package viewer

import (
	"context"
	"net/http"
	"slices"
)

// Role is what somebody is to the service.
type Role string

// The roles. Somebody may have several: a provider books, too.
const (
	Admin    Role = "admin"
	Provider Role = "provider"
	Client   Role = "client"
)

// Viewer is who asks. The zero Viewer did not say who they are.
type Viewer struct {
	// Subject is the identity provider's name (sub) for them. The row of a client
	// or a provider with the same subject is their own.
	Subject string
	Roles   []Role
	// GivenName and FamilyName are what they are called, where the token tells.
	GivenName, FamilyName string

	unasked bool
}

// Local is whoever reaches a server that asks for no token: they may do anything.
func Local() Viewer { return Viewer{Subject: "local", Roles: []Role{Admin}, unasked: true} }

// Unasked reports whether it is [Local], which no token can say of itself.
func (v Viewer) Unasked() bool { return v.unasked }

// Anonymous reports whether the viewer did not say who they are.
func (v Viewer) Anonymous() bool { return v.Subject == "" }

// Is reports whether the viewer has the role.
func (v Viewer) Is(r Role) bool { return slices.Contains(v.Roles, r) }

type contextKey struct{}

// NewContext returns a context of a request from the viewer.
func NewContext(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, contextKey{}, v)
}

// FromContext returns who the request is from; false where it is from nobody,
// and thus may do nothing.
func FromContext(ctx context.Context) (Viewer, bool) {
	v, ok := ctx.Value(contextKey{}).(Viewer)
	return v, ok
}

// Handler has every request be from the viewer.
func (v Viewer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), v)))
	})
}
