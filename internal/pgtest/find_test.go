package pgtest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMissingProgramsGiveAOneLineHint(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	_, err := start(t.Context(), empty)
	if !errors.Is(err, ErrNotInstalled) {
		t.Fatalf("error %v, want ErrNotInstalled", err)
	}
	for _, want := range []string{"apt-get install", "brew install", "PGBIN=" + empty} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than a line", err)
	}
}

func TestBrokenProgramsGiveTheirOutput(t *testing.T) {
	t.Parallel()
	bin := programs(t, t.TempDir(), "echo 'no such locale' >&2; exit 3")
	if err := os.Chmod(filepath.Dir(bin), 0o755); err != nil { //nolint:gosec // where root runs the tests, another user runs these
		t.Fatal(err)
	}
	if _, err := start(t.Context(), bin); err == nil || !strings.Contains(err.Error(), "no such locale") {
		t.Errorf("error %v, want what initdb said", err)
	}
}

func TestNewestVersionIsFirst(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, v := range []string{"9", "17", "16"} {
		programs(t, filepath.Join(root, v, "bin"), "")
	}
	var versions []int
	for _, folder := range newest([]string{filepath.Join(root, "*", "bin")}) {
		versions = append(versions, version(strings.TrimPrefix(folder, root)))
	}
	if !slices.Equal(versions, []int{17, 16, 9}) {
		t.Errorf("versions %v, want 17, 16, 9", versions)
	}
}

// programs fakes an installation whose programs run script.
func programs(t *testing.T, bin, script string) string {
	t.Helper()
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"initdb", "postgres"} {
		//nolint:gosec // a program must be executable
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}
