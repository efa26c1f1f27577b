package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVersion compares what a binary says of itself with what the Go command
// says of it, and its modules with go.sum.
func TestVersion(t *testing.T) {
	t.Parallel()
	docket := filepath.Join(t.TempDir(), "docket")
	output := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	output("go", "build", "-buildvcs=auto", "-o", docket, ".")
	known := output("go", "version", "-m", docket)

	lines := strings.Split(strings.TrimSpace(output(docket, "version", "--modules")), "\n")
	if first := output(docket, "version"); strings.TrimSpace(first) != lines[0] {
		t.Errorf("without modules it says %q, with them %q", first, lines[0])
	}
	if len(lines)-1 != strings.Count(known, "\tdep\t") || len(lines) < 20 {
		t.Errorf("%d modules of\n%s", len(lines)-1, known)
	}
	for _, line := range lines[1:] {
		if !strings.Contains(known, "\tdep\t"+strings.ReplaceAll(line, " ", "\t")) {
			t.Errorf("the Go command does not know of %q", line)
		}
	}
	for line := range strings.Lines(known) {
		setting, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case strings.HasSuffix(setting, "vcs.revision") && !strings.Contains(lines[0], value):
			t.Errorf("%q does not tell the commit %s", lines[0], value)
		case strings.HasSuffix(setting, "vcs.modified") && strings.Contains(lines[0], "modified") != (value == "true"):
			t.Errorf("%q, modified: %s", lines[0], value)
		}
	}
}
