package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// NewSecure returns a server of the test's own that also listens at 127.0.0.1, on
// the port that is returned, and speaks TLS there with the certificate and its key,
// in PEM. It is skipped, or fails, where [New] is.
func NewSecure(t TB, cert, key []byte) (s *Server, port string) {
	t.Helper()
	s = require(t, func() (*Server, error) { return startSecure(t.Context(), cert, key) }, os.Getenv("CI") != "")
	t.Cleanup(s.Stop)
	return s, s.cluster.port
}

func startSecure(ctx context.Context, cert, key []byte) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := newCluster(os.Getenv("PGBIN"), scratch())
	if err != nil {
		return nil, fmt.Errorf("pgtest: start: %w", err)
	}
	if err := c.secure(ctx, cert, key); err != nil {
		c.dir.remove()
		return nil, err
	}
	return c.serve(ctx)
}

// secure has the server listen on a port that was free a moment ago.
func (c *cluster) secure(ctx context.Context, cert, key []byte) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		c.port = strconv.Itoa(addr.Port)
	}
	c.options = []string{"-c", "listen_addresses=127.0.0.1", "-c", "ssl=on"}
	for option, pem := range map[string][]byte{"ssl_cert_file": cert, "ssl_key_file": key} {
		path := filepath.Join(c.dir.path, option)
		if err := os.WriteFile(path, pem, 0o600); err != nil {
			return err
		}
		if c.as != nil {
			if err := os.Chown(path, int(c.as.Uid), int(c.as.Gid)); err != nil {
				return err
			}
		}
		c.options = append(c.options, "-c", option+"="+path)
	}
	return l.Close()
}
