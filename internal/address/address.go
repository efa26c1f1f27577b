// Package address is where a request comes from: behind a proxy, what the proxy
// says, and nobody else.
package address

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// unix stands in a list of proxies for whoever connects to a Unix socket.
const unix = "unix"

// Proxies are those whose word for an address is taken. The zero Proxies are none.
type Proxies struct {
	prefixes []netip.Prefix
	unix     bool
}

// Parse reads a list of addresses, of networks in CIDR notation, and of the word
// unix, with commas between them: "10.0.0.0/8, ::1, unix".
func Parse(list string) (Proxies, error) {
	var p Proxies
	if strings.TrimSpace(list) == "" {
		return p, nil
	}
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if entry == unix {
			p.unix = true
			continue
		}
		prefix, err := parse(entry)
		if err != nil {
			return Proxies{}, err
		}
		p.prefixes = append(p.prefixes, prefix)
	}
	return p, nil
}

func parse(entry string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(entry)
	if one, addrErr := netip.ParseAddr(entry); addrErr == nil && one.Zone() == "" {
		prefix, err = netip.PrefixFrom(one, one.BitLen()), nil
	}
	switch {
	case err != nil:
		return prefix, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", entry)
	case prefix.Bits() == 0:
		return prefix, fmt.Errorf("%q is everybody: anyone could say to be anyone", entry)
	case prefix.Addr().Is4In6():
		return prefix, fmt.Errorf("%q is an IPv4 address: write it as one", entry)
	}
	return prefix.Masked(), nil
}

// Client is who sent the request: the peer or, where that is a trusted proxy, the
// last of X-Forwarded-For that is none. Each proxy adds at the right whom it
// talked to, so what stands left of that is hearsay, and so is what stands left
// of an entry that is no address. A client at a Unix socket has the zero Addr.
func (p Proxies) Client(r *http.Request) netip.Addr {
	client, _ := read(r.RemoteAddr)
	lines := r.Header.Values("X-Forwarded-For")
	said := strings.Join(lines, ",")
	for more := len(lines) > 0; more && p.trusts(client); {
		comma := strings.LastIndexByte(said, ',')
		next, ok := read(strings.TrimSpace(said[comma+1:]))
		if !ok {
			break
		}
		client, said, more = next, said[:max(comma, 0)], comma >= 0
	}
	return client
}

// Sent reports whether one of the proxies sent the request.
func (p Proxies) Sent(r *http.Request) bool {
	peer, _ := read(r.RemoteAddr)
	return p.trusts(peer)
}

func (p Proxies) trusts(a netip.Addr) bool {
	if !a.IsValid() {
		return p.unix
	}
	return slices.ContainsFunc(p.prefixes, func(n netip.Prefix) bool { return n.Contains(a) })
}

// read reads an address, with a port or without, as proxies and net/http write
// it. One address has one form: an IPv4 address within IPv6 is the former.
func read(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		a = withPort.Addr()
	}
	return a.Unmap().WithZone(""), true
}
