package pgtest

import (
	"os"
	"path/filepath"
	"testing"
)

// cached is a cluster of its own cache, so that the user's stays as it is.
func cached(t *testing.T, at string) *cluster {
	t.Helper()
	server(t) // or skip
	c, err := newCluster(os.Getenv("PGBIN"), scratch())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.dir.remove)
	c.cached = at
	return c
}

func TestInitdbRunsOnceForAllServers(t *testing.T) {
	t.Parallel()
	at := filepath.Join(t.TempDir(), "docket", "postgres")
	first := cached(t, at)
	if first.restore(t.Context()) {
		t.Fatal("restored from an empty cache")
	}
	if err := first.initialise(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := cached(t, at)
	if !second.restore(t.Context()) {
		t.Fatal("the data directory was not kept")
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(at), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("the cache holds %v (%v), want one directory", left, err)
	}
}

func TestBrokenCacheIsForgotten(t *testing.T) {
	t.Parallel()
	at := filepath.Join(t.TempDir(), "postgres")
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	c := cached(t, at)
	if s, err := c.serve(t.Context()); err == nil {
		s.Stop()
		t.Fatal("started on an empty data directory")
	}
	if _, err := os.Stat(at); !os.IsNotExist(err) {
		t.Error("the next start would fail as well")
	}
}
