package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// machine is what the figures depend on, without what would name the machine.
func machine(ctx context.Context, stores []*store) []string {
	facts := []string{
		strconv.Itoa(runtime.NumCPU()) + " cores (" + field("/proc/cpuinfo", "model name") + ")",
		memory() + " of memory",
		runtime.GOOS + "/" + runtime.GOARCH,
		runtime.Version(),
	}
	for _, s := range stores {
		query := "SELECT 'SQLite ' || sqlite_version()"
		if s.kind == onPostgres {
			query = "SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1)"
		}
		var version string
		if s.db.QueryRowContext(ctx, query).Scan(&version) == nil {
			facts = append(facts, version)
		}
	}
	return facts
}

// field is the first value of a name in a file of /proc.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	found := regexp.MustCompile(`(?m)^` + name + `\s*:\s*(.+)$`).FindSubmatch(text)
	if found == nil {
		return "unknown"
	}
	return string(found[1])
}

func memory() string {
	kib, _ := strconv.Atoi(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"))
	return strconv.Itoa((kib+1<<19)>>20) + " GiB"
}

// commit is that of a work tree, marked where what is built is not it.
func commit(ctx context.Context, dir string) string {
	git := func(args ...string) string {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = dir
		out, _ := cmd.Output()
		return strings.TrimSpace(string(out))
	}
	hash := git("rev-parse", "--short", "HEAD")
	if hash == "" {
		return filepath.Base(dir)
	}
	changed := strings.FieldsFunc(git("status", "--porcelain"), func(r rune) bool { return r == '\n' })
	for _, line := range changed {
		path := strings.TrimSpace(line[min(len(line), 2):])
		if !strings.HasPrefix(path, "bench/") && !strings.HasPrefix(path, "docs/") {
			return hash + " and changes"
		}
	}
	return hash
}
