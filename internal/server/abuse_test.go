package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"docket/internal/certtest"
	"docket/internal/server"
)

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
