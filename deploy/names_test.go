package deploy_test

import (
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names is what Docker's name server is to compose.yml: it knows the addresses of
// the servers that run, by one name.
type names struct {
	conn net.PacketConn
	mu   sync.Mutex
	all  []netip.Addr
}

func serveNames(t *testing.T) *names {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	n := &names{conn: conn}
	go func() {
		for packet := make([]byte, 512); ; {
			size, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			if answer := n.answer(packet[:size]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return n
}

// set is which servers there are, by their HOST:PORT.
func (n *names) set(t *testing.T, servers []served) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = nil
	for _, s := range servers {
		at, err := netip.ParseAddrPort(s.Address)
		if err != nil {
			t.Fatal(err)
		}
		n.all = append(n.all, at.Addr())
	}
}

func (n *names) answer(packet []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	var m dnsmessage.Message
	if err := m.Unpack(packet); err != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Additionals = true, nil
	if m.Questions[0].Name.String() != "docket." || len(n.all) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, a := range n.all {
		if m.RCode == dnsmessage.RCodeSuccess && m.Questions[0].Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 600},
				Body:   &dnsmessage.AResource{A: a.As4()},
			})
		}
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}

// resolves reports whether this nginx looks the names of its upstreams up again,
// which takes 1.27.3, and whether this machine has addresses enough to try that.
func resolves(t *testing.T) bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), nginxProgram(t), "-v").CombinedOutput()
	found := regexp.MustCompile(`nginx/(\d+)\.(\d+)\.(\d+)`).FindSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("%v %s", err, out)
	}
	version := 0
	for _, part := range found[1:] {
		n, _ := strconv.Atoi(string(part))
		version = version*1000 + n
	}
	return version >= 1_027_003 && runtime.GOOS == "linux"
}
