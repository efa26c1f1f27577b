package certificate_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"docket/internal/certificate"
	"docket/internal/certtest"
)

// ordering serves what an authority certifies, at two ports of this machine, until
// the test ends.
type ordering struct {
	*certificate.ACME
	tls, http net.Listener
	log       *lines
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func port(t *testing.T, l net.Listener) string {
	t.Helper()
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	return port
}

func (o *ordering) start(t *testing.T, order certificate.Order) {
	t.Helper()
	o.log = &lines{}
	o.ACME = certificate.NewACME(order, time.Now, slog.New(slog.NewTextHandler(o.log, nil)))
	config := o.Config()
	config.MinVersion = tls.VersionTLS12
	secure := &http.Server{Handler: http.NotFoundHandler(), TLSConfig: config, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	plain := &http.Server{Handler: o.Challenges(http.NotFoundHandler()), ReadHeaderTimeout: time.Minute}
	go func() { _ = secure.ServeTLS(o.tls, "", "") }()
	go func() { _ = plain.Serve(o.http) }()
	t.Cleanup(func() { _ = secure.Close(); _ = plain.Close() })
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(stop)
	go o.Keep(ctx)
}

// shown waits until the handshake for a name succeeds, and returns the serial
// number of the certificate.
func (o *ordering) shown(t *testing.T, trusting *tls.Config, name string) string {
	t.Helper()
	trusting.ServerName = name
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c, err := (&tls.Dialer{Config: trusting}).DialContext(t.Context(), "tcp", o.tls.Addr().String())
		if err == nil {
			defer c.Close()
			return c.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String() //nolint:forcetypeassert // it says so
		}
		if time.Now().After(end) {
			t.Fatalf("%v\n%s", err, o.log.text.String())
		}
	}
}

// A real authority certifies the names, by either proof; what it gave outlives the
// server.
func TestACME(t *testing.T) {
	t.Parallel()
	for proof, http01 := range map[string]bool{"TLS-ALPN-01": false, "HTTP-01": true} {
		t.Run(proof, func(t *testing.T) {
			t.Parallel()
			o := &ordering{tls: listen(t), http: listen(t)}
			tlsPort, httpPort := port(t, o.tls), "1"
			if http01 {
				tlsPort, httpPort = "1", port(t, o.http)
			}
			p := certtest.NewPebble(t, tlsPort, httpPort, 24*time.Hour)
			order := certificate.Order{
				Domains: []string{"docket.example.org", "www.example.org"}, Directory: p.Directory, Email: "admin@example.org",
				HTTP: http01, Cache: filepath.Join(t.TempDir(), "acme"), Client: p.Client(),
			}
			o.start(t, order)
			serial := o.shown(t, p.Trusting(t), "docket.example.org")
			o.shown(t, p.Trusting(t), "www.example.org")

			again := &ordering{tls: listen(t), http: listen(t)} // whom the authority does not find
			again.start(t, order)
			if kept := again.shown(t, p.Trusting(t), "docket.example.org"); kept != serial {
				t.Errorf("started again, it shows another certificate: %s, not %s", kept, serial)
			}

			for _, name := range []string{"other.example.org", "evil.org", ""} {
				config := p.Trusting(t)
				config.ServerName, config.InsecureSkipVerify = name, true
				if c, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", o.tls.Addr().String()); err == nil {
					_ = c.Close()
					t.Errorf("%q: the server shows a certificate", name)
				}
			}
			private(t, order.Cache)
		})
	}
}

// private fails the test if others on the machine can read the keys.
func private(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	must(t, err)
	for _, f := range files {
		info, err := f.Info()
		must(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: others can read it: %v", f.Name(), info.Mode())
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 || len(files) < 3 {
		t.Errorf("the folder has %d files, and is %v (%v)", len(files), info.Mode(), err)
	}
}

// Certificates are renewed while the server runs.
func TestACMERenews(t *testing.T) {
	t.Parallel()
	o := &ordering{tls: listen(t), http: listen(t)}
	p := certtest.NewPebble(t, port(t, o.tls), "1", 12*time.Second)
	o.start(t, certificate.Order{Domains: []string{"docket.example.org"}, Directory: p.Directory, Cache: t.TempDir(), Client: p.Client()})
	first := o.shown(t, p.Trusting(t), "docket.example.org")
	for end := time.Now().Add(30 * time.Second); o.shown(t, p.Trusting(t), "docket.example.org") == first; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it is not renewed\n%s", o.log.text.String())
		}
	}
}

// away is an authority that nobody can reach.
type away struct{ asked atomic.Int32 }

func (a *away) RoundTrip(*http.Request) (*http.Response, error) {
	a.asked.Add(1)
	return nil, errors.New("no route to host")
}

// Whoever connects does not make the server ask the authority: it asks by itself,
// less and less often, and says what came of it.
func TestACMEIsAskedRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		authority, log := &away{}, &lines{}
		a := certificate.NewACME(certificate.Order{
			Domains: []string{"docket.example.org"}, Directory: "https://ca.example.org/", Cache: t.TempDir(), Client: &http.Client{Transport: authority},
		}, time.Now, slog.New(slog.NewTextHandler(log, nil)))
		go a.Keep(ctx)
		synctest.Wait()
		for range 60 {
			time.Sleep(time.Minute)
			for range 10 {
				if _, err := a.Config().GetCertificate(&tls.ClientHelloInfo{ServerName: "docket.example.org"}); err == nil || !strings.Contains(err.Error(), "no certificate") {
					t.Fatalf("got %v", err)
				}
			}
		}
		if n := authority.asked.Load(); n != 5 {
			t.Errorf("it was asked %d times in an hour, not 5", n)
		}
		if n := log.count("no route to host"); n != 5 {
			t.Errorf("said %d times: %s", n, log.text.String())
		}
		time.Sleep(24 * time.Hour)
		if n := authority.asked.Load(); n < 25 || n > 31 {
			t.Errorf("it was asked %d times in a day and an hour", n)
		}
	})
}

// Where the authority is away when a certificate is to be renewed, the one that is
// there is shown, and its end is announced each hour.
func TestACMESaysWhatIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		cache, log := t.TempDir(), &lines{}
		cert, key := certtest.New(t).IssueUntil(t, time.Now().Add(20*time.Hour), "docket.example.org") // of 48
		must(t, os.WriteFile(filepath.Join(cache, "docket.example.org"), append(key, cert...), 0o600))
		a := certificate.NewACME(certificate.Order{
			Domains: []string{"docket.example.org"}, Directory: "https://ca.example.org/", Cache: cache, Client: &http.Client{Transport: &away{}},
		}, time.Now, slog.New(slog.NewTextHandler(log, nil)))
		go a.Keep(ctx)
		for _, step := range []struct {
			wait time.Duration
			said int
		}{{7 * time.Hour, 0}, {90 * time.Minute, 1}, {2 * time.Hour, 3}} { // with 13, 11½ and 9½ hours left
			time.Sleep(step.wait)
			if n := log.count("has not been renewed"); n != step.said {
				t.Errorf("said %d times, want %d: %s", n, step.said, log.text.String())
			}
			if _, err := a.Config().GetCertificate(&tls.ClientHelloInfo{ServerName: "DOCKET.example.org."}); err != nil {
				t.Error(err)
			}
		}
	})
}

// Over plain HTTP there are proofs, for the authority, and nothing else of the cache.
func TestChallenges(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	for name, text := range map[string]string{"token+http-01": "the proof", "acme_account+key": "s3cr3t", "docket.example.org": "s3cr3t", "secret": "s3cr3t"} {
		must(t, os.WriteFile(filepath.Join(cache, name), []byte(text), 0o600))
	}
	a := certificate.NewACME(certificate.Order{Domains: []string{"docket.example.org"}, Cache: cache, HTTP: true}, time.Now, slog.New(slog.DiscardHandler))
	h := a.Challenges(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	const at = "/.well-known/acme-challenge/"
	for name, tt := range map[string]struct {
		host, path string
		code       int
	}{
		"a proof":              {"docket.example.org", at + "token", http.StatusOK},
		"a proof, at a port":   {"docket.example.org:8080", at + "token", http.StatusOK},
		"no such proof":        {"docket.example.org", at + "other", http.StatusNotFound},
		"another host":         {"evil.org", at + "token", http.StatusForbidden},
		"another page":         {"docket.example.org", "/graphql", http.StatusTeapot},
		"no token":             {"docket.example.org", at, http.StatusTeapot},
		"the key":              {"docket.example.org", at + "acme_account+key", http.StatusTeapot},
		"the key, cut off":     {"docket.example.org", at + "acme_account+key%00", http.StatusTeapot},
		"the certificate":      {"docket.example.org", at + "docket.example.org", http.StatusTeapot},
		"beyond the folder":    {"docket.example.org", at + "..%2fsecret", http.StatusTeapot},
		"longer than any name": {"docket.example.org", at + strings.Repeat("x", 300), http.StatusTeapot},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.path, nil)
			r.Host = tt.host
			h.ServeHTTP(w, r)
			if w.Code != tt.code || strings.Contains(w.Body.String(), "s3cr3t") || strings.Contains(w.Body.String(), cache) {
				t.Errorf("got %d %q, want %d", w.Code, w.Body, tt.code)
			}
		})
	}
}
