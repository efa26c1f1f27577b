package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

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

// cutOff waits for the server to close a connection, and fails the test if it
// takes longer than a while.
func cutOff(t *testing.T, c net.Conn, most time.Duration) {
	t.Helper()
	began := time.Now()
	_, _ = io.Copy(io.Discard, c)
	if waited := time.Since(began); waited > most {
		t.Errorf("it was cut off after %v, want %v at most", waited, most)
	}
}

// Nobody keeps a connection by being slow, before TLS is spoken or after.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		talk func(t *testing.T, a *certtest.Authority, c net.Conn) net.Conn
		most time.Duration
	}{
		"says nothing": {func(_ *testing.T, _ *certtest.Authority, c net.Conn) net.Conn { return c }, 5 * time.Second},
		"says its hello byte by byte": {func(_ *testing.T, _ *certtest.Authority, c net.Conn) net.Conn {
			go func() {
				for _, b := range append([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), make([]byte, 500)...) {
					time.Sleep(time.Second)
					if _, err := c.Write([]byte{b}); err != nil {
						return
					}
				}
			}()
			return c
		}, 5 * time.Second},
		"says half a request": {func(t *testing.T, a *certtest.Authority, c net.Conn) net.Conn {
			secured := handshake(t, a, c, "http/1.1")
			_, err := io.WriteString(secured, "GET /healthz HTTP/1.1\r\nHost: ")
			must(t, err)
			return secured
		}, 5 * time.Second},
		"sends half a body": {func(t *testing.T, a *certtest.Authority, c net.Conn) net.Conn {
			secured := handshake(t, a, c, "http/1.1")
			_, err := io.WriteString(secured, "POST /graphql HTTP/1.1\r\nHost: example.org\r\nContent-Length: 100\r\n\r\n{")
			must(t, err)
			return secured
		}, 31 * time.Second},
		"is idle":                 {func(t *testing.T, a *certtest.Authority, c net.Conn) net.Conn { return handshake(t, a, c, "http/1.1") }, 2 * time.Minute},
		"speaks HTTP/2, but when": {func(t *testing.T, a *certtest.Authority, c net.Conn) net.Conn { return handshake(t, a, c, "h2") }, 10 * time.Second},
		"is idle, with HTTP/2": {func(t *testing.T, a *certtest.Authority, c net.Conn) net.Conn {
			secured := handshake(t, a, c, "h2")
			go func() {
				_, _ = io.WriteString(secured, http2.ClientPreface)
				_ = http2.NewFramer(secured, nil).WriteSettings()
			}()
			return secured
		}, 2*time.Minute + 5*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := setup(t)
				cert, key, a := pair(t)
				s.TLS = &server.TLS{Config: &tls.Config{Certificates: []tls.Certificate{keyPair(t, cert, key)}}}
				l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- s.Run(ctx, l) }()
				here, there := net.Pipe()
				l.conns <- there
				cutOff(t, tt.talk(t, a, here), tt.most)
				_ = here.Close()
				time.Sleep(2 * time.Second) // who still talks finds out
				stop()
				must(t, <-ended)
			})
		})
	}
}

func pair(t *testing.T) (cert, key []byte, a *certtest.Authority) {
	t.Helper()
	a = certtest.New(t)
	cert, key = a.Issue(t, "example.org")
	return cert, key, a
}

func keyPair(t *testing.T, cert, key []byte) tls.Certificate {
	t.Helper()
	p, err := tls.X509KeyPair(cert, key)
	must(t, err)
	return p
}

func handshake(t *testing.T, a *certtest.Authority, c net.Conn, proto string) *tls.Conn {
	t.Helper()
	config := a.Trusting()
	config.ServerName, config.NextProtos = "example.org", []string{proto}
	secured := tls.Client(c, config)
	must(t, secured.HandshakeContext(t.Context()))
	return secured
}

// A client that asks and takes back what it asked, over and over (CVE-2023-44487),
// has no more at work than one that waits, and is sent away.
func TestRapidReset(t *testing.T) {
	t.Parallel()
	const most = 100
	var mu sync.Mutex
	var working, peak int
	s := setup(t)
	release := make(chan struct{})
	s.API = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		working++
		peak = max(peak, working)
		mu.Unlock()
		<-release // work that does not heed its context
		mu.Lock()
		working--
		mu.Unlock()
	})
	a := secure(t, s)
	address := listening(t, s)
	t.Cleanup(func() { close(release) }) // before the server is stopped
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	must(t, err)
	defer c.Close()
	must(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	secured := handshake(t, a, c, "h2")
	_, err = io.WriteString(secured, http2.ClientPreface)
	must(t, err)
	f := http2.NewFramer(secured, secured)
	must(t, f.WriteSettings())
	go func() {
		var block bytes.Buffer
		h := hpack.NewEncoder(&block)
		for id := uint32(1); id < 40_000; id += 2 {
			block.Reset()
			for _, field := range []string{":method GET", ":scheme https", ":authority example.org", ":path /graphql"} {
				name, value, _ := strings.Cut(field, " ")
				_ = h.WriteField(hpack.HeaderField{Name: name, Value: value})
			}
			if f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}) != nil ||
				f.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
				return
			}
		}
	}()
	var told uint32
	var away error
	for away == nil {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatalf("the connection ended with %v, and without a word", err)
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if n, ok := frame.Value(http2.SettingMaxConcurrentStreams); ok {
				told = n
			}
		case *http2.GoAwayFrame:
			away = errors.New(frame.ErrCode.String())
		}
	}
	if told != most || away.Error() != http2.ErrCodeEnhanceYourCalm.String() {
		t.Errorf("the server told %d streams and ended with %v", told, away)
	}
	mu.Lock()
	if peak == 0 || peak > most {
		t.Errorf("%d requests were at work at once", peak)
	}
	mu.Unlock()
	if response, err := get(t, a.Trusting(), address, true, "example.org"); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("others get %v, %v", response, err)
	}
}

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
