// Package certificate is what a server proves its name with: files that others
// keep up to date, or what it gets by itself from an authority that speaks ACME.
package certificate

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// every is how often the files are read at most.
const every = time.Second

// Files are a chain of certificates and its key, in PEM, in two files that are
// read again while they are in use. How they are replaced does not matter: by
// another that is renamed, by a link that leads elsewhere, or in place. What does
// not fit together, as the first of two that is replaced, is passed over.
type Files struct {
	cert, key string
	clock     func() time.Time
	log       *slog.Logger

	current atomic.Pointer[tls.Certificate]

	mu    sync.Mutex // of who reads
	last  time.Time
	pems  [2][]byte // of the current
	wrong string    // with what was read last
}

// NewFiles reads the files, and fails where they do not fit together.
func NewFiles(cert, key string, clock func() time.Time, log *slog.Logger) (*Files, error) {
	f := &Files{cert: cert, key: key, clock: clock, log: log, last: clock()}
	if err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

// Config is for a server that has these files.
func (f *Files) Config() *tls.Config { return &tls.Config{GetCertificate: f.get} }

// Knows reports whether the certificate is for the host, a name or an address.
func (f *Files) Knows(host string) bool { return f.current.Load().Leaf.VerifyHostname(host) == nil }

// Ends is when the certificate ends, by the first of its names.
func (f *Files) Ends() map[string]time.Time {
	leaf := f.current.Load().Leaf
	name := leaf.Subject.CommonName
	if len(leaf.DNSNames) > 0 {
		name = leaf.DNSNames[0]
	}
	return map[string]time.Time{name: leaf.NotAfter}
}

// get is asked at each handshake. One of them reads, so that a slow disk does not
// hold up the others.
func (f *Files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if f.mu.TryLock() {
		defer f.mu.Unlock()
		if now := f.clock(); now.Sub(f.last) >= every || now.Before(f.last) {
			f.last = now
			f.again()
		}
	}
	return f.current.Load(), nil
}

// again says once what is wrong, and when it no longer is.
func (f *Files) again() {
	err := f.read()
	switch {
	case err == nil:
		f.wrong = ""
	case err.Error() != f.wrong:
		f.wrong = err.Error()
		f.log.Error("the new certificate is not used; the one before still is", "error", err, "ends", f.current.Load().Leaf.NotAfter)
	}
}

// read takes what is in the files, if it is new. Their content is compared: the
// time and the size of a file can be those of the one before.
func (f *Files) read() error {
	var pems [2][]byte
	for i, name := range []string{f.cert, f.key} {
		var err error
		if pems[i], err = os.ReadFile(name); err != nil {
			return err
		}
	}
	if bytes.Equal(pems[0], f.pems[0]) && bytes.Equal(pems[1], f.pems[1]) {
		return nil
	}
	pair, err := tls.X509KeyPair(pems[0], pems[1])
	if err != nil {
		return fmt.Errorf("%s with %s: %w", f.cert, f.key, err)
	}
	f.pems = pems
	f.current.Store(&pair)
	f.log.Info("certificate", "names", pair.Leaf.DNSNames, "ends", pair.Leaf.NotAfter)
	if f.clock().After(pair.Leaf.NotAfter) {
		f.log.Error("the certificate has ended", "file", f.cert)
	}
	return nil
}
