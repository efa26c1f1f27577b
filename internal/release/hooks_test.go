package release_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// hooked is a small module with the hooks of this one, cloned from where it can
// be pushed to.
func hooked(t *testing.T) string {
	t.Helper()
	dir, remote := copied(t, ".ci", ".githooks", ".gitleaks.toml", ".golangci.yaml"), t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module docket\n\ngo 1.26.4\n")
	write(t, filepath.Join(dir, "README.md"), "## Test\n\n```bash\ngo test ./internal/slot\n```\n")
	write(t, filepath.Join(dir, "ent/orm/orm.go"), "package orm\n") // whose imports .ci/lint looks at
	write(t, filepath.Join(dir, "internal/slot/slot.go"), "// Package slot has slots.\npackage slot\n\nconst Minutes = 15\n")
	write(t, filepath.Join(dir, "internal/slot/slot_test.go"), "package slot\n\nimport \"testing\"\n\nfunc TestMinutes(t *testing.T) {\n\tif 60%Minutes != 0 {\n\t\tt.Error(Minutes)\n\t}\n}\n")
	commit(t, dir, "slot: a quarter")
	must(t, remote, "git", "init", "--quiet", "--bare")
	must(t, dir, "git", "remote", "add", "origin", remote)
	must(t, dir, "git", "push", "--quiet", "origin", "main")
	must(t, dir, "git", "config", "core.hooksPath", ".githooks")
	return dir
}

// secret is one that .gitleaks.toml looks for. It is put together here, so that it
// is not found here.
func secret() string {
	return "const url = \"postgres://docket:" + strings.Join([]string{"qx7w", "b2mz", "k94t"}, "") + "@db/docket\"\n"
}

func TestCommitHooks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, text, message, says string }{
		"good":            {"internal/slot/more.go", "package slot\n\nconst Hours = 24\n", "slot: count hours", ""},
		"two areas":       {"internal/slot/more.go", "package slot\n\nconst Hours = 24\n", "slot, internal/gate: count hours\n\nThey are 24.", ""},
		"to be melted":    {"notes.txt", "text\n", "fixup! slot: a quarter", ""},
		"reverted":        {"notes.txt", "text\n", "Revert \"slot: a quarter\"", ""},
		"no area":         {"notes.txt", "text\n", "Fix a bug", "'Fix a bug' is not as 'booking: refuse slots off the grid' is"},
		"nothing said":    {"notes.txt", "text\n", "slot:", "'slot:' is not as"},
		"badly formatted": {"internal/slot/more.go", "package slot\nconst  Hours = 24\n", "slot: count hours", "not as gofmt has it: internal/slot/more.go"},
		"vetted":          {"internal/slot/more.go", "package slot\n\nimport \"fmt\"\n\nfunc Say() { fmt.Printf(\"%d\\n\", \"a\") }\n", "slot: say it", "fmt.Printf format %d has arg \"a\""},
		"a secret":        {"internal/slot/more.go", "package slot\n\n" + secret(), "slot: ask the database", "do not commit this"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := hooked(t)
			before := must(t, dir, "git", "rev-parse", "HEAD")
			write(t, filepath.Join(dir, test.file), test.text)
			must(t, dir, "git", "add", test.file)
			lock := []string{"TMPDIR=" + t.TempDir()} // the linter's, which runs once at a time otherwise
			out, status := run(t, dir, lock, "git", "commit", "--quiet", "--message", test.message)
			after := must(t, dir, "git", "rev-parse", "HEAD")
			if test.says != "" {
				refused(t, out, status, test.says)
			} else if status != 0 {
				t.Errorf("%d\n%s", status, out)
			}
			if (before == after) != (test.says != "") {
				t.Errorf("committed: %v", before != after)
			}
		})
	}
}

func TestPushHook(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, says string }{
		"good":       {"package slot\n\nconst Hours = 24\n", ""},
		"a secret":   {"package slot\n\n" + secret(), "whoever has a clone has it"},
		"tests fail": {"package slot\n\nimport \"testing\"\n\nfunc TestFails(t *testing.T) { t.Error(\"planted\") }\n", "planted"},
		"generated":  {"package slot\n\n//go:generate touch new.txt\n", "what is committed is not what 'go generate ./...' writes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := hooked(t)
			write(t, filepath.Join(dir, "internal/slot/more_test.go"), test.text)
			commit(t, dir, "slot: more")
			out, status := run(t, dir, nil, "git", "push", "--quiet", "origin", "main")
			if test.says != "" {
				refused(t, out, status, test.says)
			} else if status != 0 {
				t.Errorf("%d\n%s", status, out)
			}
			arrived := must(t, dir, "git", "ls-remote", "origin", "main")
			if pushed := strings.HasPrefix(arrived, must(t, dir, "git", "rev-parse", "HEAD")); pushed == (test.says != "") {
				t.Errorf("pushed: %v", pushed)
			}
		})
	}
}

// TestMessages looks at the messages of a branch, as CI does, where nobody can go
// round a hook.
func TestMessages(t *testing.T) {
	t.Parallel()
	dir := hooked(t)
	must(t, dir, "git", "switch", "--quiet", "--create", "more")
	commit(t, dir, "slot: count hours")
	if out, status := run(t, dir, nil, ".ci/messages"); status != 0 {
		t.Errorf("%d\n%s", status, out)
	}
	commit(t, dir, "fixup! slot: count hours")
	commit(t, dir, "slot: count days")
	out, status := run(t, dir, nil, ".ci/messages")
	refused(t, out, status, "'fixup! slot: count hours' is not as")

	must(t, dir, "git", "switch", "--quiet", "main")
	if out, status := run(t, dir, nil, ".ci/messages"); status != 0 {
		t.Errorf("%d\n%s", status, out)
	}
	commit(t, dir, "Fix a bug")
	out, status = run(t, dir, nil, ".ci/messages")
	refused(t, out, status, "'Fix a bug' is not as")
}
