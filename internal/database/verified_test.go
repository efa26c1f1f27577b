package database_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"docket/internal/certtest"
	"docket/internal/database"
	"docket/internal/pgtest"
)

// What is on this machine needs no proof, what is elsewhere has to give one,
// however the URL says where it is.
func TestVerified(t *testing.T) {
	t.Parallel()
	for url, verified := range map[string]bool{
		"sqlite://docket.db":                                                            true,
		"postgres://db/docket?sslmode=verify-full":                                      true,
		"postgres://localhost/docket?sslmode=disable":                                   true,
		"postgres://127.0.0.2/docket?sslmode=disable":                                   true,
		"postgres://[::1]:5432/docket?sslmode=disable":                                  true,
		"postgres:///docket?host=/run&sslmode=disable":                                  true,
		"postgres:///docket?host=@run&sslmode=disable":                                  true,
		"postgres:///docket?sslmode=disable":                                            true, // localhost
		"postgres://db/docket?hostaddr=127.0.0.1&sslmode=disable":                       true,
		"postgres://db,db2/docket?sslmode=verify-full&sslrootcert=system":               true,
		"postgres:///docket?host=localhost,/run&sslmode=disable":                        true,
		"postgres://db/docket?sslmode=verify-full&sslmode=verify-full&sslrootcert=/a/b": true,
		"postgres://db/docket?sslmode=disable":                                          false,
		"postgres://db/docket?sslmode=allow":                                            false,
		"postgres://db/docket?sslmode=prefer":                                           false,
		"postgres://db/docket?sslmode=require":                                          false,
		"postgres://db/docket?sslmode=verify-ca&sslrootcert=/root.pem":                  false,
		"postgres://10.0.0.1/docket?sslmode=require":                                    false,
		"postgres://localhost.example.org/docket?sslmode=disable":                       false,
		"postgres://localhost/docket?host=other&sslmode=disable":                        false, // of two, pq takes what comes later in the alphabet
		"postgres://localhost/docket?host=db&sslmode=disable":                           true,
		"postgres://localhost/docket?hostaddr=10.0.0.1&sslmode=disable":                 false, // so does the address
		"postgres:///docket?host=/run&hostaddr=10.0.0.1&sslmode=disable":                false,
		"postgres://localhost,db/docket?sslmode=disable":                                false,
		"postgres:///docket?host=/run,db&sslmode=verify-full":                           false, // pq speaks plainly to both
		"postgres://db/docket?sslmode=verify-full&sslmode=disable":                      true,  // the first is what pq takes
		"postgres://db/docket?sslmode=disable&sslmode=verify-full&application_name=d":   false,
		"postgres://db/docket?sslmode=pqgo-other":                                       true, // there is no such: connecting fails
		"postgres://db/docket?sslmode=maybe":                                            true, // nor such
		"mysql://db/docket":                                                             false,
		"postgres://db/docket":                                                          false,
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			switch err := database.Verified(url); {
			case verified != (err == nil):
				t.Errorf("got %v, want it verified: %v", err, verified)
			case err != nil && !strings.Contains(err.Error(), "sslmode"):
				t.Errorf("%q does not say what to do", err)
			}
		})
	}
}

// secure is a PostgreSQL whose certificate is for 127.0.0.1 and db.example.org.
func secure(t *testing.T) (a *certtest.Authority, port string) {
	t.Helper()
	a = certtest.New(t)
	cert, key := a.Issue(t, "127.0.0.1", "db.example.org")
	_, port = pgtest.NewSecure(t, cert, key)
	return a, port
}

// pq does verify who answers, through the dialer that is put below it.
func TestPostgresProvesItsName(t *testing.T) {
	t.Parallel()
	a, port := secure(t)
	root, other := certtest.Write(t, "root.pem", a.PEM), certtest.Write(t, "other.pem", certtest.New(t).PEM)
	const wrongName, unknown = "x509: certificate is valid for", "certificate signed by unknown authority"
	for name, tt := range map[string]struct{ host, options, wrong string }{
		"its address":                {"127.0.0.1", "sslmode=verify-full&sslrootcert=" + root, ""},
		"its name":                   {"db.example.org", "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=" + root, ""},
		"without SNI":                {"db.example.org", "sslsni=0&hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=" + root, ""},
		"another name":               {"localhost", "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=" + root, wrongName},
		"another name, without SNI":  {"localhost", "sslsni=0&hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=" + root, wrongName},
		"another authority":          {"127.0.0.1", "sslmode=verify-full&sslrootcert=" + other, unknown},
		"those of the machine":       {"127.0.0.1", "sslmode=verify-full&sslrootcert=system", unknown},
		"no authority, verified all": {"127.0.0.1", "sslmode=verify-full", unknown},
		"an old version":             {"127.0.0.1", "ssl_max_protocol_version=TLSv1.1&sslmode=verify-full&sslrootcert=" + root, "no supported versions"},
		"unverified":                 {"localhost", "hostaddr=127.0.0.1&sslmode=require", ""}, // why it is not enough
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, "postgres://postgres@"+net.JoinHostPort(tt.host, port)+"/postgres?"+tt.options)
			err := db.Connect(t.Context())
			if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
				t.Fatalf("got %v, want %q", err, tt.wrong)
			}
			var encrypted bool
			if err == nil {
				must(t, db.QueryRowContext(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted))
				if !encrypted {
					t.Error("others can read it")
				}
			}
		})
	}
}

// sslrootcert=system takes the authorities of the machine: here, of a process that
// is told which these are.
func TestSystemAuthorities(t *testing.T) {
	const variable = "DOCKET_TEST_SYSTEM_URL"
	if url := os.Getenv(variable); url != "" {
		must(t, open(t, url).Connect(t.Context()))
		return
	}
	t.Parallel()
	if runtime.GOOS == "darwin" {
		t.Skip("the authorities of macOS are not in a file")
	}
	a, port := secure(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+certtest.Write(t, "root.pem", a.PEM),
		variable+"=postgres://postgres@127.0.0.1:"+port+"/postgres?sslmode=verify-full&sslrootcert=system")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Who stands between and says that there is no TLS here is told nothing more.
func TestPostgresCannotGoWithoutTLS(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	told := make(chan []byte, 1)
	go func() {
		defer l.Close()
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		request := make([]byte, 8)
		_, _ = io.ReadFull(c, request)
		_, _ = c.Write([]byte("N"))
		rest, _ := io.ReadAll(c)
		told <- rest
	}()
	db := open(t, "postgres://ada:s3cr3t@"+l.Addr().String()+"/docket?sslmode=verify-full")
	if err := db.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), "SSL is not enabled") {
		t.Errorf("got %v", err)
	}
	if rest := <-told; len(rest) > 0 {
		t.Errorf("it was told %q", rest)
	}
}

// tapped is what clients sent through a proxy, by connection.
type tapped struct {
	mu    sync.Mutex
	conns []*bytes.Buffer
}

func (p *tapped) sent() (all [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		all = append(all, bytes.Clone(c.Bytes()))
	}
	return all
}

// tap listens before a server, and returns where.
func tap(t *testing.T, server string) (p *tapped, address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	p = &tapped{}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", server) //nolint:noctx // it is there
			if err != nil {
				return
			}
			p.mu.Lock()
			sent := &bytes.Buffer{}
			p.conns = append(p.conns, sent)
			p.mu.Unlock()
			go func() { defer client.Close(); _, _ = io.Copy(client, behind) }()
			go func() { defer behind.Close(); _, _ = io.Copy(behind, io.TeeReader(client, locked{p, sent})) }()
		}
	}()
	return p, l.Addr().String()
}

type locked struct {
	p *tapped
	w io.Writer
}

func (l locked) Write(b []byte) (int, error) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	return l.w.Write(b)
}

// The request to stop a statement holds the key to stop others with: it, too, is
// for nobody else to read. The first that is sent is a request for TLS (80877103),
// the second a ClientHello.
func TestStatementsAreStoppedOverTLS(t *testing.T) {
	t.Parallel()
	a, port := secure(t)
	p, address := tap(t, "127.0.0.1:"+port)
	db := open(t, "postgres://postgres@"+address+"/postgres?sslmode=verify-full&sslrootcert="+certtest.Write(t, "root.pem", a.PEM))
	must(t, db.Connect(t.Context())) // two connections
	db.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := db.ExecContext(ctx, "SELECT pg_sleep(60)"); err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("ended after %v with %v", time.Since(began), err)
	}
	var running int
	must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'").Scan(&running))
	if running > 0 {
		t.Error("the statement runs on")
	}
	sent := p.sent()
	if len(sent) < 3 {
		t.Fatalf("%d connections, want a third for the request to stop", len(sent))
	}
	for i, bytesSent := range sent {
		if !bytes.HasPrefix(bytesSent, []byte("\x00\x00\x00\x08\x04\xd2\x16\x2f\x16\x03")) {
			t.Errorf("connection %d begins with %q", i, bytesSent[:min(len(bytesSent), 40)])
		}
	}
}
