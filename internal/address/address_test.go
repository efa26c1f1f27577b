package address_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"docket/internal/address"
)

func proxies(t *testing.T, list string) address.Proxies {
	t.Helper()
	p, err := address.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestClient(t *testing.T) {
	t.Parallel()
	const trusted = "10.0.0.0/8, 2001:db8:1::/48, 192.0.2.7"
	tests := map[string]struct {
		trusted, peer string
		forwarded     []string // header lines
		want          string
	}{
		"no proxy":               {"", "203.0.113.5:4000", nil, "203.0.113.5"},
		"a proxy":                {trusted, "10.0.0.1:4000", []string{"203.0.113.5"}, "203.0.113.5"},
		"a proxy by its address": {trusted, "192.0.2.7:4000", []string{"203.0.113.5"}, "203.0.113.5"},
		"two proxies":            {trusted, "10.0.0.1:4000", []string{"203.0.113.5, 10.0.0.2"}, "203.0.113.5"},
		"two proxies, two lines": {trusted, "10.0.0.1:4000", []string{"203.0.113.5", "10.0.0.2"}, "203.0.113.5"},
		"a proxy says nothing":   {trusted, "10.0.0.1:4000", nil, "10.0.0.1"},
		"a client in there":      {trusted, "10.0.0.1:4000", []string{"10.9.9.9"}, "10.9.9.9"},
		"only proxies":           {trusted, "10.0.0.1:4000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},

		"a port":                   {trusted, "10.0.0.1:4000", []string{"203.0.113.5:61000"}, "203.0.113.5"},
		"IPv6":                     {trusted, "[2001:db8:1::1]:4000", []string{"2001:db8:2::5"}, "2001:db8:2::5"},
		"IPv6 with a port":         {trusted, "10.0.0.1:4000", []string{"[2001:db8:2::5]:61000"}, "2001:db8:2::5"},
		"IPv6 in brackets":         {trusted, "10.0.0.1:4000", []string{"[2001:db8:2::5]"}, "2001:db8:2::5"},
		"IPv6 of a link":           {"", "[fe80::1%eth0]:4000", nil, "fe80::1"},
		"IPv4 in IPv6, the peer":   {trusted, "[::ffff:10.0.0.1]:4000", []string{"203.0.113.5"}, "203.0.113.5"},
		"IPv4 in IPv6, the client": {trusted, "10.0.0.1:4000", []string{"::ffff:203.0.113.5"}, "203.0.113.5"},
		"tabs and no spaces":       {trusted, "10.0.0.1:4000", []string{"203.0.113.5,\t10.0.0.2"}, "203.0.113.5"},

		"a lie, and no proxy":          {"", "203.0.113.5:4000", []string{"198.51.100.1"}, "203.0.113.5"},
		"a lie, not through the proxy": {trusted, "203.0.113.5:4000", []string{"198.51.100.1"}, "203.0.113.5"},
		"a proxy's name in a lie":      {trusted, "203.0.113.5:4000", []string{"198.51.100.1, 10.0.0.2"}, "203.0.113.5"},
		"a lie through the proxy":      {trusted, "10.0.0.1:4000", []string{"198.51.100.1, 203.0.113.5"}, "203.0.113.5"},
		"a lie in a line of its own":   {trusted, "10.0.0.1:4000", []string{"198.51.100.1", "203.0.113.5"}, "203.0.113.5"},
		"lies of proxies":              {trusted, "10.0.0.1:4000", []string{"198.51.100.1, 10.0.0.9, 203.0.113.5, 10.0.0.2"}, "203.0.113.5"},
		"a neighbour of the proxy":     {trusted, "192.0.2.8:4000", []string{"198.51.100.1"}, "192.0.2.8"},
		"a lie of many":                {trusted, "10.0.0.1:4000", []string{strings.Repeat("198.51.100.1,", 4000) + "203.0.113.5"}, "203.0.113.5"},

		"junk":                   {trusted, "10.0.0.1:4000", []string{"unknown"}, "10.0.0.1"},
		"junk between":           {trusted, "10.0.0.1:4000", []string{"198.51.100.1, _hidden, 10.0.0.2"}, "10.0.0.2"},
		"junk left of a client":  {trusted, "10.0.0.1:4000", []string{"<script>, 203.0.113.5"}, "203.0.113.5"},
		"an empty entry":         {trusted, "10.0.0.1:4000", []string{"198.51.100.1, , 10.0.0.2"}, "10.0.0.2"},
		"an empty header":        {trusted, "10.0.0.1:4000", []string{""}, "10.0.0.1"},
		"an empty line between":  {trusted, "10.0.0.1:4000", []string{"198.51.100.1", "", "10.0.0.2"}, "10.0.0.2"},
		"a number":               {trusted, "10.0.0.1:4000", []string{"3405803781"}, "10.0.0.1"},
		"an octal address":       {trusted, "10.0.0.1:4000", []string{"0203.0.113.5"}, "10.0.0.1"},
		"a name":                 {trusted, "10.0.0.1:4000", []string{"localhost"}, "10.0.0.1"},
		"two in one":             {trusted, "10.0.0.1:4000", []string{"203.0.113.5 198.51.100.1"}, "10.0.0.1"},
		"a Unix socket":          {trusted, "@", []string{"198.51.100.1"}, "invalid IP"},
		"a trusted Unix socket":  {"unix, " + trusted, "@", []string{"198.51.100.1, 203.0.113.5"}, "203.0.113.5"},
		"a trusted socket alone": {"unix", "", nil, "invalid IP"},
		"trust in sockets only":  {"unix", "203.0.113.5:4000", []string{"198.51.100.1"}, "203.0.113.5"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = tt.peer, tt.forwarded
			if got := proxies(t, tt.trusted).Client(r).String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for list, wrong := range map[string]string{
		"": "", "  ": "", "127.0.0.1": "", "::1": "", "10.0.0.0/8,fd00::/8": "", " 10.1.2.3/8 , unix ": "", "0.0.0.0": "",
		"localhost": "neither", "10.0.0.0/33": "neither", "10.0.0.1:80": "neither", "10.0.0.1,": "neither", "10.0.0.1;10.0.0.2": "neither", "fe80::1%eth0": "neither", "*": "neither",
		"0.0.0.0/0": "everybody", "::/0": "everybody", "::ffff:10.0.0.0/104": "write it as", "::ffff:10.0.0.1": "write it as",
	} {
		_, err := address.Parse(list)
		if (err != nil) != (wrong != "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v, want %q", list, err, wrong)
		}
	}
}

// TestClientOverSockets asks real servers: what net/http says of a peer is read.
func TestClientOverSockets(t *testing.T) {
	t.Parallel()
	for network, at := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0", "unix": filepath.Join(t.TempDir(), "s")} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			l, err := new(net.ListenConfig).Listen(t.Context(), network, at)
			if err != nil {
				t.Skip(err) // a machine without IPv6
			}
			p, none := proxies(t, "127.0.0.1, ::1, unix"), address.Proxies{}
			s := &httptest.Server{Listener: l, Config: &http.Server{ //nolint:gosec // it is asked once, by us
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, p.Client(r), " ", none.Client(r)) }),
			}}
			s.Start()
			defer s.Close()
			client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, l.Addr().Network(), l.Addr().String())
			}}}
			defer client.CloseIdleConnections()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://docket/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Add("X-Forwarded-For", "203.0.113.5")
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			var told, peer string
			if _, err := fmt.Fscan(answer.Body, &told, &peer); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"tcp4": "127.0.0.1", "tcp6": "::1", "unix": "invalid"}[network]
			if told != "203.0.113.5" || peer != want {
				t.Errorf("behind a proxy %s, without %s, want %s", told, peer, want)
			}
		})
	}
}

func FuzzClient(f *testing.F) {
	f.Add("10.0.0.1:1", "1.2.3.4, 10.0.0.1", "[::1]:2")
	f.Add("@", ",,", "")
	f.Fuzz(func(t *testing.T, peer, one, two string) {
		r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {one, two}}}
		if a := proxies(t, "10.0.0.0/8").Client(r); a.IsValid() && (a.Is4In6() || a.Zone() != "" || a != netip.MustParseAddr(a.String())) {
			t.Errorf("%v has more than one form", a)
		}
	})
}
