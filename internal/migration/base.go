package migration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
)

// Base is what a branch began with: the migrations that others have.
type Base struct {
	Files   []string // their names, in order
	Changed []string // those that the branch changed or removed
}

// Latest takes all but the latest n files for the base.
func Latest(dir migrate.Dir, n int) (Base, error) {
	files, err := dir.Files()
	if err != nil {
		return Base{}, err
	}
	var base Base
	for _, f := range files[:max(0, len(files)-n)] {
		base.Files = append(base.Files, f.Name())
	}
	return base, nil
}

// Since takes for the base what revision rev of the Git repository has in the
// folder path. What is not committed yet counts as the branch's.
func Since(ctx context.Context, path, rev string) (Base, error) {
	files, err := git(ctx, path, "ls-tree", "-z", "--name-only", "--end-of-options", rev, ".")
	if err != nil {
		return Base{}, err
	}
	differ, err := git(ctx, path, "diff", "-z", "--name-only", "--no-renames", "--relative", "--end-of-options", rev, "--", ".")
	if err != nil {
		return Base{}, err
	}
	isNew := func(name string) bool { return !slices.Contains(files, name) }
	return Base{files, slices.DeleteFunc(differ, isNew)}, nil
}

// git returns the names of SQL files that a command prints, each with a NUL.
func git(ctx context.Context, path string, args ...string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", path}, args...)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
		}
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	names := strings.Split(string(out), "\x00")
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".sql") }), nil
}

// history reports what a branch must not do to the sequence of files: change
// what others may have applied, or add where they are already past.
func (b Base) history(files []migrate.File) []Finding {
	var found []Finding
	for _, name := range b.Changed {
		found = append(found, Finding{name, 1, "This migration is older than the branch, and has changed or is gone: others may have applied it as it was", "DK101"})
	}
	for _, f := range files {
		if n := len(b.Files); n > 0 && !slices.Contains(b.Files, f.Name()) && f.Name() < b.Files[n-1] {
			found = append(found, Finding{f.Name(), 1, fmt.Sprintf("This migration comes before %s, which others may have applied: it needs a newer version", b.Files[n-1]), "DK102"})
		}
	}
	return found
}
