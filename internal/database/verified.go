package database

import (
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"strings"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
)

// Verified reports an error unless nobody on the way to the database can be taken
// for it: PostgreSQL on another machine has to prove its name by a certificate.
// What matters is what pq makes of the URL and of the variables PG…: it speaks
// plainly to all hosts of a list that begins with a socket.
func Verified(rawURL string) error {
	name, dsn, err := parse(rawURL)
	if err != nil || name != dialect.Postgres {
		return err
	}
	c, err := pq.NewConfig(dsn)
	if err != nil || c.SSLMode == pq.SSLModeVerifyFull {
		return nil //nolint:nilerr // connecting fails for the same reason, and is who tells it
	}
	here := isHere(c.Host, c.Hostaddr)
	for _, other := range c.Multi {
		here = here && isHere(other.Host, other.Hostaddr)
	}
	if !here {
		return errors.New("PostgreSQL on another machine has to prove who it is: give the URL sslmode=verify-full, and sslrootcert=FILE with the certificate of its authority unless this machine trusts that")
	}
	return nil
}

// isHere reports whether the host is this machine. Where an address is given,
// the name is not looked up.
func isHere(host string, address netip.Addr) bool {
	if address.IsValid() {
		return address.IsLoopback()
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback() || filepath.IsAbs(host) || strings.HasPrefix(host, "@")
}
