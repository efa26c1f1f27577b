package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// However the server's address is written, it is asked by a name that is always its own.
func TestHealthcheckAsksLocalhost(t *testing.T) {
	t.Parallel()
	var asked string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.Host }))
	defer s.Close()
	if err := run(t.Context(), []string{"healthcheck", "--listen", s.Listener.Addr().String()}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if asked != "localhost" {
		t.Errorf("it was asked as %q", asked)
	}
}
