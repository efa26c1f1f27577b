package server_test

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"docket/internal/server"
)

// redirecting is a server that redirects from the address it returns.
func redirecting(t *testing.T, s *server.Server) (plain string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	must(t, err)
	s.TLS.Plain = l
	listening(t, s)
	return l.Addr().String()
}

// What is plain is led to HTTPS at this server, and nowhere else.
func TestRedirect(t *testing.T) {
	t.Parallel()
	const get, ours = "GET /graphql?query={a}&x=%20y HTTP/1.1", "https://example.org/graphql?query={a}&x=%20y"
	s := setup(t)
	s.API = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it reached the API") })
	secure(t, s)
	plain := redirecting(t, s)
	for name, tt := range map[string]struct {
		line, headers string
		code          int
		location      string
	}{
		"a page":                {get, "Host: example.org", 308, ours},
		"its head":              {"HEAD / HTTP/1.1", "Host: example.org", 308, "https://example.org/"},
		"at a port":             {get, "Host: example.org:80", 308, ours},
		"a name below":          {"GET / HTTP/1.1", "Host: www.example.org", 308, "https://www.example.org/"},
		"an address":            {"GET / HTTP/1.1", "Host: 127.0.0.1", 308, "https://127.0.0.1/"},
		"an address, version 6": {"GET / HTTP/1.1", "Host: [::1]:80", 308, "https://[::1]/"},
		"readiness":             {"GET /readyz HTTP/1.1", "Host: example.org", 308, "https://example.org/readyz"},
		"an escaped path":       {"GET /a%2fb%0d%0aX:%20y HTTP/1.1", "Host: example.org", 308, "https://example.org/a%2fb%0d%0aX:%20y"},

		"somebody else's":               {get, "Host: evil.org", 421, ""},
		"ours, within another's":        {get, "Host: example.org.evil.org", 421, ""},
		"another's, with a dot":         {get, "Host: evil.org.", 421, ""},
		"a user":                        {get, "Host: example.org@evil.org", 400, ""},
		"a user before a name":          {get, "Host: evil.org@www.example.org", 400, ""},
		"a port that is a name":         {get, "Host: example.org:80.evil.org", 421, ""},
		"a port and a user":             {get, "Host: example.org:80@evil.org", 400, ""},
		"another port":                  {get, "Host: example.org:8443", 308, ours},
		"a host of two":                 {get, "Host: evil.org,example.org", 421, ""},
		"no host":                       {get, "Host:", 421, ""},
		"a host in the line":            {"GET http://evil.org/ HTTP/1.1", "Host: example.org", 421, ""},
		"a path that looks like a host": {"GET //evil.org/ HTTP/1.1", "Host: example.org", 308, "https://example.org//evil.org/"},
		"a path with a backslash":       {`GET /\evil.org HTTP/1.1`, "Host: example.org", 308, "https://example.org/%5Cevil.org"},
		"forwarded":                     {get, "Host: example.org\r\nX-Forwarded-Host: evil.org\r\nForwarded: host=evil.org", 308, ours},
		"a tunnel":                      {"CONNECT example.org:443 HTTP/1.1", "Host: example.org:443", 403, ""},
		"old, without a host":           {"GET / HTTP/1.0", "", 421, ""},

		"a mutation": {"POST /graphql HTTP/1.1", "Host: example.org\r\nContent-Length: 0", 403, ""},
		"a token":    {get, "Host: example.org\r\nAuthorization: Bearer s3cr3t", 403, ""},
		"two hosts":  {get, "Host: example.org\r\nHost: evil.org", 400, ""},
		"too many":   {get, "Host: example.org\r\nX: " + strings.Repeat("x", 20<<10), 431, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := raw(t, plain, tt.line+"\r\n"+tt.headers+"\r\nConnection: close\r\n\r\n")
			response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
			if err != nil {
				t.Fatalf("%v: %q", err, text)
			}
			if response.StatusCode != tt.code || response.Header.Get("Location") != tt.location {
				t.Errorf("got %d to %q, want %d to %q", response.StatusCode, response.Header.Get("Location"), tt.code, tt.location)
			}
			if strings.Contains(text, "s3cr3t") || strings.Contains(strings.ToLower(text), "strict-transport-security") {
				t.Errorf("got %q", text)
			}
		})
	}
}

func TestRedirectToAnotherPort(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secure(t, s)
	s.TLS.Port = "8443"
	text := raw(t, redirecting(t, s), "GET / HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
	if !strings.Contains(text, "Location: https://[::1]:8443/\r\n") {
		t.Errorf("got %q", text)
	}
}
