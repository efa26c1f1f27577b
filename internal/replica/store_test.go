package replica_test

import (
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"docket/internal/database"
	"docket/internal/redistest"
	"docket/internal/replica"
)

// TestPositions holds both stores against what they are to be.
func TestPositions(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t testing.TB, keep time.Duration, clock func() time.Time) replica.Positions{
		"memory": func(_ testing.TB, keep time.Duration, clock func() time.Time) replica.Positions {
			return replica.NewMemory(keep, clock)
		},
		"Redis": func(t testing.TB, keep time.Duration, clock func() time.Time) replica.Positions {
			return replica.NewShared(redistest.Start(t).URL(), keep, 5*time.Second, clock, slog.New(slog.DiscardHandler))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var later atomic.Int64
			p := open(t, time.Second, func() time.Time { return time.Now().Add(time.Duration(later.Load())) })
			at := func(subject string) replica.Position {
				t.Helper()
				at, err := p.Of(subject)
				must(t, err)
				return at
			}
			_, _ = p.Of("anna") // Redis has just started
			later.Store(int64(time.Minute))
			if got := at("anna"); got != (replica.Position{}) {
				t.Errorf("who wrote nothing has %v", got)
			}
			for _, step := range []struct{ note, want replica.Position }{
				{replica.Position{Timeline: 1, Bytes: 9}, replica.Position{Timeline: 1, Bytes: 9}},
				{replica.Position{Timeline: 1, Bytes: 1 << 63}, replica.Position{Timeline: 1, Bytes: 1 << 63}},
				{replica.Position{Timeline: 1, Bytes: 10}, replica.Position{Timeline: 1, Bytes: 1 << 63}},  // noted late
				{replica.Position{Timeline: 10, Bytes: 11}, replica.Position{Timeline: 10, Bytes: 11}},     // another primary
				{replica.Position{Timeline: 9, Bytes: 1 << 50}, replica.Position{Timeline: 10, Bytes: 11}}, // the one before
			} {
				must(t, p.Note("anna", step.note))
				if got := at("anna"); got != step.want {
					t.Errorf("after %v: %v, want %v", step.note, got, step.want)
				}
			}
			if got := at("ben"); got != (replica.Position{}) {
				t.Errorf("another has %v", got)
			}
			must(t, p.Note("", replica.Position{Timeline: 1, Bytes: 1}))
			if got := at(""); got.Bytes != 1 {
				t.Errorf("nobody has %v", got)
			}
			later.Add(int64(2 * time.Second)) // for the one in memory
			within(t, "it is forgotten", func() bool { return at("anna") == replica.Position{} })
		})
	}
}

// While the store is away, all is read from the primary. When it has started again,
// without what it knew, it is not believed.
func TestStoreGoesAway(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	store := redistest.Start(t)
	one, two := c.serve(t, shared(store)), c.serve(t, shared(store))
	c.pause(t, one, two)
	one.create(t, "anna", "First")
	two.stale(t, "ben", "First")
	store.Kill()
	for _, who := range []string{"anna", "ben"} {
		if !one.sees(t, who, "First") || !two.sees(t, who, "First") {
			t.Errorf("without the store, %s does not read from the primary", who)
		}
	}
	store.Run(t)
	two.logs(t, 1, "the store of what viewers wrote is away")
	within(t, "the store is found", func() bool { return two.sees(t, "anna", "First") && two.log.count("wrote is back") > 0 })
	for range 20 {
		if !one.sees(t, "anna", "First") || !two.sees(t, "anna", "First") {
			t.Fatal("what a store forgot is not seen")
		}
	}
}

// A server that alone cannot reach the store has its viewers wait until replicas
// have what they wrote: the others cannot be told.
func TestServerWithoutTheStore(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	store := redistest.Start(t)
	alone := c.serve(t, func(c *replica.Config) {
		c.Positions = replica.NewShared("redis://127.0.0.1:1", time.Minute, time.Second, time.Now, c.Log)
	})
	other := c.serve(t, shared(store))
	alone.logs(t, 1, isRead)
	other.logs(t, 1, isRead)
	alone.create(t, "anna", "Before")
	must(t, c.standbys[0].Pause(t.Context()))
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		alone.create(t, "anna", "Late")
	}()
	primary := open(t, c.primary)
	within(t, "it is committed", func() (done bool) {
		must(t, primary.QueryRowContext(t.Context(), "SELECT count(*) > 0 FROM clients WHERE last_name = 'Late'").Scan(&done))
		return done
	})
	other.stale(t, "anna", "Late")
	select {
	case <-answered:
		t.Error("answered before the replica has it")
	default:
	}
	must(t, c.standbys[0].Resume(t.Context()))
	<-answered
	if !other.sees(t, "anna", "Late") {
		t.Error("answered, and not seen")
	}
}

// A mutation of which nobody knows what came has its viewer read from the primary:
// it may be done later than anybody could tell.
func TestUnknownCommits(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	p := newProxy(t, c.primary.Socket())
	s := c.serve(t, func(c *replica.Config) {
		db, err := database.Open(p.url())
		must(t, err)
		t.Cleanup(func() { must(t, db.Close()) })
		c.Primary = db
	})
	s.logs(t, 1, isRead)
	p.lose.Store(true)
	_, err := s.post(t.Context(), "ben", operation(`mutation { clientCreate(input: {firstName: "A", lastName: "Unknown"}) { client { lastName } } }`))
	if err == nil || !strings.Contains(err.Error(), "UNAVAILABLE") {
		t.Fatalf("the answer to COMMIT was lost, and the mutation's is %v", err)
	}
	p.lose.Store(false)
	must(t, c.standbys[0].CaughtUp(t.Context(), c.primary))
	time.Sleep(300 * time.Millisecond) // in which the replica is known to have come so far, or not
	must(t, c.standbys[0].Pause(t.Context()))
	close(p.late)
	within(t, "it is committed", func() (done bool) {
		must(t, c.db.QueryRowContext(t.Context(), "SELECT count(*) > 0 FROM clients").Scan(&done))
		return done
	})
	s.stale(t, "carl", "Unknown")
	for range 20 {
		if !s.sees(t, "ben", "Unknown") {
			t.Fatal("what was done all the same is not seen")
		}
	}
}

// proxy has a COMMIT arrive late, when it is to, and its answer get lost.
type proxy struct {
	l    net.Listener
	lose atomic.Bool
	late chan struct{} // closed when the COMMIT arrives

	mu     sync.Mutex
	target string // a unix socket
	wires  []net.Conn
}

func (p *proxy) url() string {
	return "postgres://postgres@" + p.l.Addr().String() + "/" + name + "?sslmode=disable"
}

// lead leads to another server from now on, and ends what leads elsewhere.
func (p *proxy) lead(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	for _, wire := range p.wires {
		_ = wire.Close()
	}
	p.wires = nil
}

func (p *proxy) connect(client net.Conn) (server net.Conn, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wires = append(p.wires, client)
	return net.Dial("unix", p.target) //nolint:noctx // it is there, or it is not
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{l: l, target: target, late: make(chan struct{})}
	var wires sync.WaitGroup
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := p.connect(client)
			if err != nil {
				_ = client.Close()
				continue
			}
			wires.Go(func() { p.copy(server, client) })
			wires.Go(func() { p.copy(client, server) })
		}
	}()
	return p
}

func (p *proxy) copy(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	packet := make([]byte, 64<<10)
	for {
		n, err := from.Read(packet)
		if err != nil {
			return
		}
		lost := p.lose.Load() && strings.Contains(string(packet[:n]), "COMMIT\x00")
		if lost {
			_ = from.Close()
			<-p.late
		}
		if _, err := to.Write(packet[:n]); err != nil {
			return
		}
		if lost {
			time.Sleep(100 * time.Millisecond) // in which it is done
			return
		}
	}
}

// A first login makes a row, by a query: its viewer sees it then, and afterwards.
func TestFirstLogin(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	s := c.serve(t, nil)
	c.pause(t, s)
	s.create(t, "anna", "First")
	s.stale(t, "ben", "First")
	for n := range 10 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(operation(everyone)))
		must(t, err)
		for name, value := range map[string]string{"Content-Type": "application/json", "Subject": "carl", "Role": "client", "Given-Name": "Carl"} {
			r.Header.Set(name, value)
		}
		text, err := send(r)
		must(t, err)
		if !strings.Contains(text, "Carl") {
			t.Fatalf("request %d does not see the row that the first made: %s", n, text)
		}
	}
}
