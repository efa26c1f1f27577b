package faults_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"docket/internal/pgtest"
)

// proxy is the network between docket and PostgreSQL, and all that can go wrong
// with it.
type proxy struct {
	target string // a unix socket
	l      net.Listener

	mu     sync.Mutex
	chance *rand.Rand
	wires  map[*wire]bool
	delay  time.Duration // of each packet, at most
	silent chan struct{} // closed when packets get through again; nil while they do
	commit float64       // how probable it is that the answer to a COMMIT is lost
	lost   int           // such answers
}

// wire is one connection through the proxy.
type wire struct {
	client *net.TCPConn
	server net.Conn
	mute   bool // what the server says is lost; under the proxy's lock
}

func newProxy(t *testing.T, server *pgtest.Server, chance *rand.Rand) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: server.Socket(), l: l, wires: map[*wire]bool{}, chance: rand.New(rand.NewPCG(chance.Uint64(), 0))} //nolint:gosec // repeatable
	t.Cleanup(func() {
		_ = l.Close()
		p.through()
		p.cut()
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.connect(c.(*net.TCPConn))
		}
	}()
	return p
}

// url is that of a database behind the proxy.
func (p *proxy) url(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", p.l.Addr(), database)
}

func (p *proxy) connect(c *net.TCPConn) {
	p.pass()
	s, err := net.Dial("unix", p.target) //nolint:noctx // it is there, or it is not
	if err != nil {
		_ = c.Close()
		return
	}
	w := &wire{client: c, server: s}
	p.mu.Lock()
	p.wires[w] = true
	p.mu.Unlock()
	go p.copy(w, s, c, p.toServer)
	p.copy(w, c, s, func(w *wire, _ []byte) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !w.mute
	})
	p.mu.Lock()
	delete(p.wires, w)
	p.mu.Unlock()
}

// copy passes packets on until one side is gone, or one must not pass.
func (p *proxy) copy(w *wire, to io.Writer, from io.Reader, may func(*wire, []byte) bool) {
	defer w.server.Close()
	defer w.client.Close()
	packet := make([]byte, 64<<10)
	for {
		n, err := from.Read(packet)
		if n > 0 {
			p.pass()
			if !may(w, packet[:n]) {
				return
			}
			if _, err := to.Write(packet[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// toServer sees what docket says, and loses the answer to a COMMIT by chance.
func (p *proxy) toServer(w *wire, packet []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if bytes.Contains(packet, []byte("COMMIT\x00")) && p.chance.Float64() < p.commit {
		w.mute = true
		p.lost++
		time.AfterFunc(20*time.Millisecond, func() { reset(w) })
	}
	return true
}

// pass takes as long as a packet does now.
func (p *proxy) pass() {
	p.mu.Lock()
	delay, silent := time.Duration(0), p.silent
	if p.delay > 0 {
		delay = time.Duration(p.chance.Int64N(int64(p.delay)))
	}
	p.mu.Unlock()
	time.Sleep(delay)
	if silent != nil {
		<-silent
	}
}

// set changes how the network is.
func (p *proxy) set(delay time.Duration, commit float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.commit = delay, commit
}

// silence has packets vanish: nothing passes, and nobody is told. They are only
// late, as with TCP, and arrive [proxy.through].
func (p *proxy) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = make(chan struct{})
}

// through ends a silence.
func (p *proxy) through() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent != nil {
		close(p.silent)
		p.silent = nil
	}
}

// cut breaks all connections, as a machine does that starts again.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.wires {
		reset(w)
	}
}

// reset has the client see a reset, not an orderly end.
func reset(w *wire) {
	_ = w.client.SetLinger(0)
	_ = w.client.Close()
	_ = w.server.Close()
}

// losses is how many answers to a COMMIT were lost.
func (p *proxy) losses() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}
