package viewer_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"docket/internal/viewer"
)

// A server that asks for no token has everyone be somebody who may do anything,
// whatever they send; no token makes anybody that.
func TestLocal(t *testing.T) {
	t.Parallel()
	var who viewer.Viewer
	var known bool
	h := viewer.Local().Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		who, known = viewer.FromContext(r.Context())
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer junk")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if !known || !who.Unasked() || !who.Is(viewer.Admin) || who.Anonymous() {
		t.Errorf("the request is from %+v", who)
	}
	if told := (viewer.Viewer{Subject: who.Subject, Roles: who.Roles}); told.Unasked() {
		t.Errorf("%+v says of itself that nobody was asked", told)
	}
	if _, known := viewer.FromContext(t.Context()); known {
		t.Error("nobody is somebody")
	}
}
