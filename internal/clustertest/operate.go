package clustertest

import (
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	_ "github.com/lib/pq" // the driver "postgres"
)

// On turns on all machines that are off: what worked there starts again.
func (c *Cluster) On(t testing.TB) {
	t.Helper()
	for _, n := range c.Nodes {
		if err := os.Remove(filepath.Join(n.folder, "off")); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// Switch has the synchronous standby become the primary, as an operator would.
func (c *Cluster) Switch(t testing.TB) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "patronictl", "-c", filepath.Join(c.Nodes[0].folder, "patroni.yml"),
		"switchover", "--master", c.Primary(t).Name, "--candidate", c.Standby(t).Name, "--force", "docket")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("patronictl: %v\n%s", err, out)
	}
}

// Empty leaves nothing in the database.
func (c *Cluster) Empty(t testing.TB) {
	t.Helper()
	c.Whole(t)
	db, err := sql.Open("postgres", c.Writes)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	Eventually(t, "the database cannot be emptied", func() bool {
		_, err := db.ExecContext(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
		return err == nil
	})
}
