package certificate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"docket/internal/certificate"
	"docket/internal/certtest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock is moved by hand.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(0, c.Load()) }

// lines is a log, by line.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// site has its certificate in two files of a folder, and listens.
type site struct {
	*certtest.Authority
	dir     string
	files   *certificate.Files
	clock   *clock
	log     *lines
	address string
}

func setup(t *testing.T) *site {
	t.Helper()
	s := &site{Authority: certtest.New(t), dir: t.TempDir(), clock: &clock{}, log: &lines{}}
	s.clock.Store(time.Now().UnixNano())
	s.write(t, s.dir, "one.example.org")
	var err error
	s.files, err = certificate.NewFiles(filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem"), s.clock.now, slog.New(slog.NewTextHandler(s.log, nil)))
	must(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", s.files.Config())
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	s.address = l.Addr().String()
	go func() { // echoes
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	return s
}

// write puts a certificate for a name, and its key, into a folder.
func (s *site) write(t *testing.T, dir, name string) {
	t.Helper()
	cert, key := s.Issue(t, name)
	must(t, os.WriteFile(filepath.Join(dir, "cert.pem"), cert, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "key.pem"), key, 0o600))
}

// later lets the files be read again.
func (s *site) later() { s.clock.Add(int64(time.Second)) }

// dial connects to whoever has a certificate for the name.
func (s *site) dial(t *testing.T, name string) (net.Conn, error) {
	t.Helper()
	config := s.Trusting()
	config.ServerName = name
	c, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", s.address)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// shows fails the test unless the certificate is for the name.
func (s *site) shows(t *testing.T, name string) {
	t.Helper()
	if _, err := s.dial(t, name); err != nil {
		t.Error(err)
	}
}

// However the files are replaced, the next handshake has what is in them, and who
// is connected stays.
func TestFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(t *testing.T, s *site){
		"in place": func(t *testing.T, s *site) { s.write(t, s.dir, "two.example.org") },
		"in place, at the same time, as long": func(t *testing.T, s *site) {
			info, err := os.Stat(filepath.Join(s.dir, "cert.pem"))
			must(t, err)
			s.write(t, s.dir, "two.example.org")
			for _, file := range []string{"cert.pem", "key.pem"} {
				must(t, os.Chtimes(filepath.Join(s.dir, file), info.ModTime(), info.ModTime()))
			}
		},
		"by another": func(t *testing.T, s *site) {
			other := t.TempDir()
			s.write(t, other, "two.example.org")
			for _, file := range []string{"cert.pem", "key.pem"} {
				must(t, os.Rename(filepath.Join(other, file), filepath.Join(s.dir, file)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			before, err := s.dial(t, "one.example.org")
			must(t, err)
			replace(t, s)
			s.shows(t, "one.example.org") // it is not read at every handshake
			s.later()
			s.shows(t, "two.example.org")
			if s.files.Knows("one.example.org") || !s.files.Knows("two.example.org") {
				t.Error("it is known by its old name")
			}
			echo := make([]byte, 4)
			if _, err := before.Write([]byte("ping")); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(before, echo); err != nil || string(echo) != "ping" {
				t.Errorf("who was connected reads %q, %v", echo, err)
			}
		})
	}
}

// Kubernetes keeps a secret's files in a folder of each version, and a link to the
// current one, through which the files' own links lead.
func TestFilesBehindLinks(t *testing.T) {
	t.Parallel()
	s := &site{Authority: certtest.New(t), dir: t.TempDir(), clock: &clock{}}
	version := func(n int) {
		dir := fmt.Sprintf("..version-%d", n)
		must(t, os.Mkdir(filepath.Join(s.dir, dir), 0o700))
		s.write(t, filepath.Join(s.dir, dir), fmt.Sprintf("v%d.example.org", n))
		must(t, os.Symlink(dir, filepath.Join(s.dir, "..data_tmp")))
		must(t, os.Rename(filepath.Join(s.dir, "..data_tmp"), filepath.Join(s.dir, "..data")))
	}
	version(1)
	for _, file := range []string{"cert.pem", "key.pem"} {
		must(t, os.Symlink("..data/"+file, filepath.Join(s.dir, file)))
	}
	files, err := certificate.NewFiles(filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem"), s.clock.now, slog.New(slog.DiscardHandler))
	must(t, err)
	version(2)
	must(t, os.RemoveAll(filepath.Join(s.dir, "..version-1")))
	s.later()
	got, err := files.Config().GetCertificate(nil)
	must(t, err)
	if err := got.Leaf.VerifyHostname("v2.example.org"); err != nil {
		t.Error(err)
	}
}

// What is broken is passed over, and said once; what was used before still is.
func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	for name, wreck := range map[string]func(cert, key string) error{
		"empty":  func(cert, _ string) error { return os.Truncate(cert, 0) },
		"half":   func(cert, _ string) error { return os.Truncate(cert, 200) },
		"gone":   func(cert, _ string) error { return os.Remove(cert) },
		"no key": func(_, key string) error { return os.Remove(key) },
		"by turns": func(cert, key string) error {
			return errors.Join(os.Rename(cert, cert+"2"), os.Rename(key, cert), os.Rename(cert+"2", key))
		},
		"a folder":         func(cert, _ string) error { return errors.Join(os.Remove(cert), os.Mkdir(cert, 0o700)) },
		"another's key":    func(_, key string) error { _, k := certtest.New(t).Issue(t, "x"); return os.WriteFile(key, k, 0o600) },
		"another's, alone": func(cert, _ string) error { c, _ := certtest.New(t).Issue(t, "x"); return os.WriteFile(cert, c, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			cert, key := filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem")
			must(t, wreck(cert, key))
			for range 3 {
				s.later()
				s.shows(t, "one.example.org")
			}
			if n := s.log.count("level=ERROR"); n != 1 {
				t.Errorf("said %d times: %s", n, s.log.text.String())
			}
			if s.log.count("PRIVATE KEY") > 0 {
				t.Error("the log has the key")
			}
			if _, err := certificate.NewFiles(cert, key, s.clock.now, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), s.dir) {
				t.Errorf("a server starts with it: %v", err)
			}
			must(t, os.RemoveAll(cert))
			s.write(t, s.dir, "two.example.org")
			s.later()
			s.shows(t, "two.example.org")
		})
	}
}

// A certificate that has ended is used, for want of another, and said.
func TestACertificateThatHasEnded(t *testing.T) {
	t.Parallel()
	a, log := certtest.New(t), &lines{}
	cert, key := a.IssueUntil(t, time.Now().Add(-time.Minute), "example.org")
	_, err := certificate.NewFiles(certtest.Write(t, "cert.pem", cert), certtest.Write(t, "key.pem", key), time.Now, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil || log.count("the certificate has ended") != 1 {
		t.Errorf("got %v and %q", err, log.text.String())
	}
}

// Handshakes go on while the files are replaced, each with a whole certificate.
func TestHandshakesWhileFilesChange(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				s.later()
				c, err := (&tls.Dialer{Config: &tls.Config{RootCAs: s.Trusting().RootCAs, ServerName: "one.example.org"}}).DialContext(ctx, "tcp", s.address)
				if err == nil {
					_ = c.Close()
				} else if certificate := (&tls.CertificateVerificationError{}); errors.As(err, &certificate) && !errors.As(err, &x509.HostnameError{}) {
					t.Error(err)
				} else if ctx.Err() == nil && !errors.As(err, &x509.HostnameError{}) {
					t.Error(err)
				}
			}
		})
	}
	for i := range 60 {
		s.write(t, s.dir, []string{"one.example.org", "two.example.org"}[i%2])
	}
	stop()
	all.Wait()
	s.later()
	s.shows(t, "two.example.org")
}

func TestFilesKnow(t *testing.T) {
	t.Parallel()
	cert, key := certtest.New(t).Files(t, "example.org", "*.example.org", "192.0.2.1", "2001:db8::1")
	files, err := certificate.NewFiles(cert, key, time.Now, slog.New(slog.DiscardHandler))
	must(t, err)
	for host, known := range map[string]bool{
		"example.org": true, "EXAMPLE.org": true, "www.example.org": true, "192.0.2.1": true, "2001:db8::1": true,
		"": false, "evil.org": false, "example.org.evil.org": false, "a.b.example.org": false, "192.0.2.2": false, "*.example.org": true,
		"evil.org/.example.org": false, "evil.org?.example.org": false, "evil.org#.example.org": false, "evil.org\\.example.org": false,
		"example.org@evil.org": false, "evil.org@www.example.org": false, "evil.org:80.example.org": false,
	} {
		if files.Knows(host) != known {
			t.Errorf("%q: known %v, want %v", host, !known, known)
		}
	}
}
