package release_test

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

var long = flag.Bool("long", false, "release for every platform and compile all of it twice; ask npm again for GitHub's description")

// environment is that of this process, with a git that nobody has configured and
// that commits the same thing as the same commit.
func environment(variables ...string) []string {
	const when = "2026-01-02T03:04:05Z"
	inherited := slices.DeleteFunc(os.Environ(), func(variable string) bool { // as a hook has it, for this repository
		return strings.HasPrefix(variable, "GIT_") && !strings.HasPrefix(variable, "GIT_CONFIG_")
	})
	return append(append(inherited,
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@localhost", "GIT_AUTHOR_DATE="+when,
		"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@localhost", "GIT_COMMITTER_DATE="+when,
	), variables...)
}

// run runs a program in a folder, and fails the test if that cannot be done.
func run(t *testing.T, dir string, variables []string, name string, args ...string) (output string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, environment(variables...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// must runs what has to succeed.
func must(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, status := run(t, dir, nil, name, args...)
	if status != 0 {
		t.Fatalf("%s %q: %d\n%s", name, args, status, out)
	}
	return strings.TrimSpace(out)
}

// refused fails unless a command has failed, and says so.
func refused(t *testing.T, out string, status int, says string) {
	t.Helper()
	if status == 0 || !strings.Contains(out, says) {
		t.Errorf("exits with %d, and does not say %q:\n%s", status, says, out)
	}
}

// copied makes a repository of its own from files of this one, as they are now,
// committed or not. Without patterns it has all of them.
func copied(t *testing.T, patterns ...string) string {
	t.Helper()
	args := append([]string{"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"}, patterns...)
	var names []string
	for name := range strings.SplitSeq(strings.Trim(must(t, root, "git", args...), "\x00"), "\x00") {
		_, err := os.ReadFile(filepath.Join(root, name)) // so that go test sees when it changes
		if err == nil {
			names = append(names, name)
		} else if !errors.Is(err, os.ErrNotExist) { // which is removed, and not yet committed
			t.Fatal(err)
		}
	}
	// Other processes copy: what this one writes it cannot run at once, as a third
	// that it starts meanwhile has the file open, too.
	dir := t.TempDir()
	list := filepath.Join(t.TempDir(), "list")
	write(t, list, strings.Join(names, "\x00"))
	must(t, root, "bash", "-euo", "pipefail", "-c", `tar -cf - --null -T "$1" | tar -xf - -C "$2"`, "copy", list, dir)
	must(t, dir, "git", "init", "--quiet", "--initial-branch=main")
	commit(t, dir, "all: begin")
	return dir
}

// commit commits all there is, or nothing, without hooks.
func commit(t *testing.T, dir, message string) {
	t.Helper()
	must(t, dir, "git", "add", "--all")
	must(t, dir, "git", "commit", "--quiet", "--no-verify", "--allow-empty", "--message", message)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err := errors.Join(err, os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// replaced is text with old, which it has to contain, as its new.
func replaced(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not there to be replaced", old)
	}
	return strings.ReplaceAll(text, old, replacement)
}

// need skips the test for want of a tool, except in CI, which has to have it.
func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}
