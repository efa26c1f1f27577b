package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"docket/internal/certificate"
	"docket/internal/certtest"
	"docket/internal/server"
)

// secure gives the server a certificate for example.org, names below it, and two of
// this machine.
func secure(t *testing.T, s *server.Server) *certtest.Authority {
	t.Helper()
	a := certtest.New(t)
	cert, key := a.Files(t, "example.org", "*.example.org", "localhost", "127.0.0.1", "::1")
	files, err := certificate.NewFiles(cert, key, time.Now, s.Log)
	must(t, err)
	s.TLS = &server.TLS{Config: files.Config(), Knows: files.Knows, HSTS: time.Hour, Port: "443"}
	return a
}

// listening runs the server at an address, until the test ends.
func listening(t *testing.T, s *server.Server) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	must(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	t.Cleanup(func() { stop(); must(t, <-ended) })
	return l.Addr().String()
}

// get asks the server at an address for example.org.
func get(t *testing.T, config *tls.Config, address string, h2 bool, host string) (*http.Response, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: h2, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	if !h2 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	t.Cleanup(transport.CloseIdleConnections)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/healthz", nil)
	must(t, err)
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err == nil {
		t.Cleanup(func() { _ = response.Body.Close() })
	}
	return response, err
}

// TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2; nothing older.
func TestTLSVersions(t *testing.T) {
	t.Parallel()
	s := setup(t)
	a := secure(t, s)
	address := listening(t, s)
	for name, tt := range map[string]struct {
		version uint16
		h2      bool
		suites  []uint16
		proto   string // or nothing, where the server refuses
	}{
		"TLS 1.0":           {version: tls.VersionTLS10},
		"TLS 1.1":           {version: tls.VersionTLS11},
		"TLS 1.1, HTTP/2":   {version: tls.VersionTLS11, h2: true},
		"TLS 1.2":           {version: tls.VersionTLS12, proto: "HTTP/1.1"},
		"TLS 1.2, HTTP/2":   {version: tls.VersionTLS12, h2: true, proto: "HTTP/2.0"},
		"TLS 1.3":           {version: tls.VersionTLS13, proto: "HTTP/1.1"},
		"TLS 1.3, HTTP/2":   {version: tls.VersionTLS13, h2: true, proto: "HTTP/2.0"},
		"no forward secret": {version: tls.VersionTLS12, suites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}},
		"3DES":              {version: tls.VersionTLS12, suites: []uint16{tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA}},
		"RC4":               {version: tls.VersionTLS12, suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := a.Trusting()
			config.MinVersion, config.MaxVersion, config.CipherSuites = tt.version, tt.version, tt.suites
			response, err := get(t, config, address, tt.h2, "example.org")
			switch {
			case tt.proto == "" && (err == nil || !strings.Contains(err.Error(), "remote error: tls: ")):
				t.Errorf("got %v, want that the server refuses", err)
			case tt.proto != "" && (err != nil || response.Proto != tt.proto || response.StatusCode != http.StatusOK):
				t.Errorf("got %v, %v, want %s", response, err, tt.proto)
			}
		})
	}
}

// Who speaks plain HTTP where HTTPS is spoken is told so, and gets no further.
func TestPlainHTTPAtHTTPS(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.API = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it reached the API") })
	secure(t, s)
	text := raw(t, listening(t, s), "GET /graphql HTTP/1.1\r\nHost: example.org\r\n\r\n")
	if !strings.HasPrefix(text, "HTTP/1.0 400 ") || !strings.Contains(text, "HTTPS server") {
		t.Errorf("got %q", text)
	}
}

// raw sends bytes, and returns what comes until the server closes.
func raw(t *testing.T, address, request string) string {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	must(t, err)
	defer c.Close()
	must(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(c, request)
	must(t, err)
	answer, _ := io.ReadAll(c)
	return string(answer)
}

func TestHSTS(t *testing.T) {
	t.Parallel()
	const header = "Strict-Transport-Security"
	for name, tt := range map[string]struct {
		lasts time.Duration
		host  string
		want  string
	}{
		"an hour":             {time.Hour, "example.org", "max-age=3600"},
		"a name below":        {time.Minute, "www.example.org", "max-age=60"},
		"none":                {0, "example.org", ""},
		"others at localhost": {time.Hour, "localhost:8080", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			a := secure(t, s)
			s.TLS.HSTS = tt.lasts
			response, err := get(t, a.Trusting(), listening(t, s), true, tt.host)
			must(t, err)
			if got := response.Header.Get(header); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if w := ask(t, setup(t).Handler(), http.MethodGet, "/healthz", "", ""); w.Header().Get(header) != "" {
		t.Error("it is said over plain HTTP")
	}
}

// Told to stop, a server that speaks HTTPS finishes what it has, by HTTP/2 as by
// HTTP/1.1, redirects until then, and leaves no listener.
func TestSecureServerStops(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		s, api := setup(t), slow{make(chan struct{}), make(chan struct{})}
		s.API, s.Drain = api, 300*time.Millisecond
		a := secure(t, s)
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
		must(t, err)
		s.TLS.Plain, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended, answered := make(chan error, 1), make(chan error, 1)
		go func() { ended <- s.Run(ctx, l) }()
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: a.Trusting(), ForceAttemptHTTP2: h2}}
		defer client.CloseIdleConnections()
		go func() {
			text, err := fetch(t.Context(), client, "https://"+l.Addr().String()+"/graphql")
			if text != "done" {
				err = errors.Join(err, errors.New("it came to "+text))
			}
			answered <- err
		}()
		<-api.came
		stop()
		if text := raw(t, s.TLS.Plain.Addr().String(), "GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"); !strings.Contains(text, " 308 ") {
			t.Errorf("while it drains, plain HTTP is answered %q", text)
		}
		time.AfterFunc(2*s.Drain, func() { close(api.leave) })
		if err := <-answered; err != nil {
			t.Error(err)
		}
		must(t, <-ended)
		for _, l := range []net.Listener{l, s.TLS.Plain} {
			if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String()); err == nil {
				_ = c.Close()
				t.Errorf("%v is still listened at", l.Addr())
			}
		}
	}
}

// A server of which one listener fails does not go on with the other.
func TestBothListenersOrNone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.Log = slog.New(slog.DiscardHandler)
	secure(t, s)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	must(t, err)
	s.TLS.Plain, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	must(t, err)
	must(t, s.TLS.Plain.Close())
	if err := s.Run(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("HTTPS is still listened for")
	}
}

// A body that is too long does not end the other requests of its connection.
func TestLongBodiesOverHTTP2(t *testing.T) {
	t.Parallel()
	s := complete(t)
	transport := &http.Transport{TLSClientConfig: secure(t, s).Trusting(), ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	address := listening(t, s)
	for i := range 2 {
		reused := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }})
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+address+"/graphql", strings.NewReader(strings.Repeat("a", 2<<20)))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		response, err := (&http.Client{Transport: transport}).Do(r)
		must(t, err)
		text, err := io.ReadAll(response.Body)
		must(t, errors.Join(err, response.Body.Close()))
		if response.StatusCode != http.StatusRequestEntityTooLarge || response.ProtoMajor != 2 || !strings.Contains(string(text), `"max":1048576`) {
			t.Errorf("%s %d %s", response.Proto, response.StatusCode, text)
		}
		if i > 0 && !reused {
			t.Error("the connection was ended")
		}
	}
}
