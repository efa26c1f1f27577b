package pgtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// The cache holds a data directory as initdb left it, since copying one takes
// a tenth of the time and of the work. It only saves time: whatever goes
// wrong with it, initdb is run instead.

// restore copies the cached data directory, if there is one.
func (c *cluster) restore(ctx context.Context) bool {
	if _, err := os.Stat(c.cached); c.cached == "" || err != nil {
		return false
	}
	if err := copyTree(ctx, c.cached, c.data()); err != nil {
		_ = os.RemoveAll(c.data())
		return false
	}
	return true
}

// keep puts a copy of the data directory into the cache. It gets its name
// when it is complete, so that no process restores half of one; of two that
// keep at the same time, the second finds the name taken and gives up.
func (c *cluster) keep(ctx context.Context) {
	if c.cached == "" || os.MkdirAll(filepath.Dir(c.cached), 0o700) != nil {
		return
	}
	base := filepath.Dir(c.cached)
	sweep(base)
	dir, err := claim(base)
	if err != nil {
		return
	}
	defer dir.remove()
	data := filepath.Join(dir.path, "data")
	if copyTree(ctx, c.data(), data) == nil {
		_ = os.Rename(data, c.cached)
	}
}

// forget empties the cache: a machine that lost power may have kept a broken
// copy, and a second try must not fail on it again.
func (c *cluster) forget() {
	if c.cached != "" {
		_ = os.RemoveAll(c.cached)
	}
}

// copyTree keeps owners and modes, on which PostgreSQL insists.
func copyTree(ctx context.Context, from, to string) error {
	return exec.CommandContext(ctx, "cp", "-RPp", from, to).Run()
}
