package faults_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"docket/internal/clustertest"
	"docket/internal/dbtest"
)

// breakage is something that happens to a cluster, and what is to be afterwards.
type breakage struct {
	name         string
	moves        bool // another machine is the primary then
	strike, mend func(t *testing.T, c *clustertest.Cluster, primary *clustertest.Node, seen *outage)
}

// replaced is twice the time after which a primary that is silent is replaced.
const replaced = 40 * time.Second

// breakages are in the order of how likely they are. The first is what is always
// tried, the rest with -long.
var breakages = []breakage{
	{"the primary loses power", true, off, back},
	{"Patroni and PostgreSQL are killed", true, func(t *testing.T, _ *clustertest.Cluster, p *clustertest.Node, _ *outage) {
		t.Helper()
		p.Halt(t)
		p.Signal("patroni", syscall.SIGKILL)
		p.Signal("postgres", syscall.SIGKILL)
	}, back},
	{"Patroni is killed", true, func(t *testing.T, _ *clustertest.Cluster, p *clustertest.Node, _ *outage) {
		t.Helper()
		p.Halt(t)
		p.Signal("patroni", syscall.SIGKILL)
	}, back},
	{"the primary stops, and awakes", true, freeze, awake},
	{"etcd is away", false, func(t *testing.T, c *clustertest.Cluster, _ *clustertest.Node, _ *outage) {
		t.Helper()
		for _, n := range c.Nodes {
			n.Halt(t)
			n.Signal("etcd", syscall.SIGKILL)
		}
		time.Sleep(replaced)
	}, back},
	{"etcd does not answer", false, func(_ *testing.T, c *clustertest.Cluster, _ *clustertest.Node, _ *outage) {
		for _, n := range c.Nodes {
			n.Signal("etcd", syscall.SIGSTOP)
		}
		time.Sleep(replaced)
		for _, n := range c.Nodes {
			n.Signal("etcd", syscall.SIGCONT)
		}
	}, nothing},
	{"the synchronous standby loses power", false, func(t *testing.T, c *clustertest.Cluster, _ *clustertest.Node, _ *outage) {
		t.Helper()
		c.Standby(t).Off(t)
	}, func(t *testing.T, c *clustertest.Cluster, _ *clustertest.Node, _ *outage) {
		t.Helper()
		c.On(t)
	}},
	{"both standbys lose power", false, alone, nothing},
	{"a planned switch", true, func(t *testing.T, c *clustertest.Cluster, _ *clustertest.Node, _ *outage) { t.Helper(); c.Switch(t) }, nothing},
}

func off(t *testing.T, _ *clustertest.Cluster, p *clustertest.Node, _ *outage) { t.Helper(); p.Off(t) }

func back(t *testing.T, c *clustertest.Cluster, _ *clustertest.Node, _ *outage) { t.Helper(); c.On(t) }

func nothing(*testing.T, *clustertest.Cluster, *clustertest.Node, *outage) {}

// freeze stops all of the primary where it is.
func freeze(_ *testing.T, _ *clustertest.Cluster, p *clustertest.Node, _ *outage) {
	for _, name := range []string{"patroni", "pgbouncer", "postgres"} {
		p.Signal(name, syscall.SIGSTOP)
	}
}

// awake has PostgreSQL go on where it was stopped, when another is the primary, and
// Patroni some time later: in between it knows of nothing, and may not acknowledge.
func awake(t *testing.T, c *clustertest.Cluster, old *clustertest.Node, _ *outage) {
	t.Helper()
	old.Signal("postgres", syscall.SIGCONT)
	old.Signal("pgbouncer", syscall.SIGCONT)
	// As docket does it: a statement of its own that is cancelled while it waits for a
	// standby would be answered as if it were done.
	if tx, err := dbtest.At(t, old.URL(c)).BeginTx(t.Context(), nil); err == nil {
		_, err := tx.ExecContext(t.Context(), "CREATE TABLE lost (n int)")
		ended := make(chan error, 1)
		go func() { ended <- errors.Join(err, tx.Commit()) }()
		select {
		case err := <-ended:
			if err == nil {
				violation(t, "a primary that another has replaced acknowledged a write")
			}
		case <-time.After(5 * time.Second):
		}
	}
	old.Signal("patroni", syscall.SIGCONT)
}

// alone leaves the primary without a standby for a while, in which nothing may be
// acknowledged: also not to who asks again for what only the primary has.
func alone(t *testing.T, c *clustertest.Cluster, primary *clustertest.Node, seen *outage) {
	t.Helper()
	for _, n := range c.Nodes {
		if n != primary {
			n.Halt(t)
			n.Signal("patroni", syscall.SIGKILL)
			n.Signal("postgres", syscall.SIGKILL)
		}
	}
	time.Sleep(2 * time.Second)
	moment := time.Now()
	time.Sleep(20 * time.Second)
	if seen.since(moment) {
		violation(t, "without a standby, a mutation was acknowledged")
	}
	c.On(t)
}

// TestFailover breaks machines of the database under two servers that book. What
// was acknowledged is there whatever the machine, nothing is there twice, and the
// servers go on by themselves.
func TestFailover(t *testing.T) {
	t.Parallel()
	etcds, tried := 1, breakages[:1]
	if *long > 0 {
		etcds, tried = 3, breakages
	}
	c := clustertest.New(t, etcds)
	rounds(t, func(t *testing.T, chance *rand.Rand) {
		for _, b := range tried {
			t.Run(b.name, func(t *testing.T) { failover(t, c, b, chance) })
		}
	})
}

func failover(t *testing.T, c *clustertest.Cluster, b breakage, chance *rand.Rand) {
	t.Helper()
	c.Empty(t)
	servers := []*service{serve(t, c.Writes), serve(t, c.Writes)}
	l := newLoad(t, servers[0], chance, 6)
	l.pause, l.seen = 10*time.Millisecond, &outage{codes: map[string]int{}}
	for i, caller := range l.callers {
		caller.service = servers[i%len(servers)]
	}
	l.while(t, func() {
		defer reading(t, l)()
		time.Sleep(between(chance, time.Second, 3*time.Second))
		old, struck := c.Primary(t), time.Now()
		b.strike(t, c, old, l.seen)
		fault(t)
		if b.moves {
			clustertest.Eventually(t, "no other machine becomes the primary", func() bool {
				p := c.Primary(t)
				return p != old
			})
			struck = time.Now()
		}
		clustertest.Eventually(t, "nothing is acknowledged any more", func() bool { return l.seen.since(struck) })
		b.mend(t, c, old, l.seen)
		c.Whole(t)
		if b.moves {
			clustertest.Eventually(t, "the old primary does not follow the new one", func() bool { return old.Is(t.Context(), "replica") })
		}
		time.Sleep(time.Second)
	})
	l.settled(t)
	l.balanced(t, dbtest.At(t, c.Writes))
	t.Logf("faults: %s: %s", b.name, l.seen)
}

// reading has somebody who only reads ask each server, until stop is called: the
// callers do one thing after the other, and cannot while they wait for a mutation.
func reading(t *testing.T, l *load) (stop func()) {
	t.Helper()
	ended := make(chan struct{})
	var all sync.WaitGroup
	for _, c := range l.callers[:2] {
		reader := &caller{world: l.world, service: c.service, http: c.http, patient: c.patient}
		all.Go(func() {
			for {
				select {
				case <-ended:
					return
				case <-time.After(20 * time.Millisecond):
					reader.read(t)
				}
			}
		})
	}
	return func() { close(ended); all.Wait() }
}
