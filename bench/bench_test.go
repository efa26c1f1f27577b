package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"docket/bench/dataset"
	"docket/bench/postgres"
	// What the programs are made of that the test builds, so that go test sees
	// when it changes.
	_ "docket/gql"
	_ "docket/internal/config"
	_ "docket/internal/migration"
	_ "docket/internal/server"
)

// The whole way once, on little data: what it starts, asks, counts and writes
// must keep working. What npm installs is for who measures.
func TestSmoke(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{
		"-peers", "floor,docket,floor-sqlite,docket-sqlite", "-workers", "4", "-seconds", "0.05", "-repeats", "1",
		"-docket", "..", "-out", t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	o.data = dataset.Scale{Providers: 40}
	for _, pattern := range []string{"floor/*", "floor/sql/*", "../cmd/docket/*.go"} {
		files, _ := filepath.Glob(pattern) // the patterns are well formed
		for _, file := range files {
			_, _ = os.ReadFile(file) // so that go test sees when it changes
		}
	}
	err = run(t.Context(), o)
	if errors.Is(err, postgres.ErrNotInstalled) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"benchmarks.md", "benchmarks/cpu.svg", "benchmarks/scale-1.json"} {
		if text, err := os.ReadFile(filepath.Join(o.out, name)); err != nil || len(text) < 1000 {
			t.Errorf("%s: %v, %d bytes", name, err, len(text))
		}
	}
}
