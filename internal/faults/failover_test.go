package faults_test

import (
	"context"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"docket/internal/clustertest"
)

// breakage is something that happens to a cluster, and what is to be afterwards.
type breakage struct {
	name  string
	moves bool // another machine is the primary then
	strike,
	mend func(t *testing.T, c *clustertest.Cluster, primary *clustertest.Node)
}

// breakages are in the order of how likely they are. The first is what is always
// tried, the rest with -long.
var breakages = []breakage{
	{"the primary loses power", true, off, back},
	{"Patroni and PostgreSQL are killed", true, func(t *testing.T, _ *clustertest.Cluster, p *clustertest.Node) {
		t.Helper()
		p.Halt(t)
		p.Signal("patroni", syscall.SIGKILL)
		p.Signal("postgres", syscall.SIGKILL)
	}, back},
	{"Patroni is killed", true, func(t *testing.T, _ *clustertest.Cluster, p *clustertest.Node) {
		t.Helper()
		p.Halt(t)
		p.Signal("patroni", syscall.SIGKILL)
	}, back},
	{"the primary stops, and awakes", true, freeze, awake},
	{"etcd is away", false, func(_ *testing.T, c *clustertest.Cluster, _ *clustertest.Node) {
		for _, n := range c.Nodes {
			n.Signal("etcd", syscall.SIGSTOP)
		}
		time.Sleep(40 * time.Second) // twice the time after which a primary is replaced
	}, func(_ *testing.T, c *clustertest.Cluster, _ *clustertest.Node) {
		for _, n := range c.Nodes {
			n.Signal("etcd", syscall.SIGCONT)
		}
	}},
	{"the synchronous standby loses power", false, func(t *testing.T, c *clustertest.Cluster, _ *clustertest.Node) {
		t.Helper()
		c.Standby(t).Off(t)
	}, func(t *testing.T, c *clustertest.Cluster, _ *clustertest.Node) {
		t.Helper()
		c.On(t)
	}},
	{"a planned switch", true, func(t *testing.T, c *clustertest.Cluster, _ *clustertest.Node) { t.Helper(); c.Switch(t) }, nothing},
}

func off(t *testing.T, _ *clustertest.Cluster, p *clustertest.Node) { t.Helper(); p.Off(t) }
func back(t *testing.T, c *clustertest.Cluster, _ *clustertest.Node)  { t.Helper(); c.On(t) }

func nothing(*testing.T, *clustertest.Cluster, *clustertest.Node) {}

// freeze stops all of the primary where it is.
func freeze(_ *testing.T, _ *clustertest.Cluster, p *clustertest.Node) {
	for _, name := range []string{"patroni", "pgbouncer", "postgres"} {
		p.Signal(name, syscall.SIGSTOP)
	}
}

// awake has PostgreSQL go on where it was stopped, when another is the primary, and
// Patroni some time later: in between it knows of nothing, and may not acknowledge.
func awake(t *testing.T, c *clustertest.Cluster, old *clustertest.Node) {
	t.Helper()
	old.Signal("postgres", syscall.SIGCONT)
	old.Signal("pgbouncer", syscall.SIGCONT)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	db := opened(t, old.URL(c))
	if _, err := db.ExecContext(ctx, "CREATE TABLE lost (n int)"); err == nil {
		violation(t, "a primary that another has replaced acknowledged a write")
	}
	old.Signal("patroni", syscall.SIGCONT)
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
		time.Sleep(between(chance, time.Second, 3*time.Second))
		old, struck := c.Primary(t), time.Now()
		b.strike(t, c, old)
		fault(t)
		if b.moves {
			clustertest.Eventually(t, "no other machine becomes the primary", func() bool {
				p := c.Primary(t)
				return p != old
			})
			struck = time.Now()
		}
		clustertest.Eventually(t, "nothing is acknowledged any more", func() bool { return l.seen.since(struck) })
		b.mend(t, c, old)
		c.Whole(t)
		if b.moves && !old.Is(t.Context(), "replica") {
			violation(t, "%s was the primary, and does not follow the new one", old.Name)
		}
		if !b.moves && !old.Is(t.Context(), "primary") {
			violation(t, "%s is not the primary any more", old.Name)
		}
		time.Sleep(time.Second)
	})
	l.settled(t)
	l.balanced(t, opened(t, c.Writes))
	t.Logf("faults: %s: %s", b.name, l.seen)
}
