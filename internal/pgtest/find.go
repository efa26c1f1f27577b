package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrNotInstalled is what [Start] fails with where the machine has no
// PostgreSQL. Its text is one line that says what to do.
var ErrNotInstalled = errors.New("no PostgreSQL server found: `apt-get install postgresql`, " +
	"`brew install postgresql@17`, or set PGBIN to the folder of initdb and postgres")

// places are where the packages install, outside of the PATH for the most
// part. A star stands for a version.
func places() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",                       // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                // Red Hat, from postgresql.org
		"/opt/homebrew/opt/postgresql@*/bin",              // Homebrew, Apple silicon
		"/usr/local/opt/postgresql@*/bin",                 // Homebrew, Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin", // Homebrew, Linux
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	}
}

// find returns the folder of initdb and postgres: pgbin and nothing else where
// it is set, else the newest of the known places, else that of the PATH.
func find(pgbin string) (string, error) {
	if pgbin != "" {
		if !complete(pgbin) {
			return "", fmt.Errorf("%w (now PGBIN=%s, which lacks them)", ErrNotInstalled, pgbin)
		}
		return pgbin, nil
	}
	for _, folder := range append(newest(places()), onPath()...) {
		if complete(folder) {
			return folder, nil
		}
	}
	return "", ErrNotInstalled
}

// newest lists the folders that match, those of the highest version first.
func newest(patterns []string) []string {
	var folders []string
	for _, p := range patterns {
		found, _ := filepath.Glob(p) // the patterns are well formed
		folders = append(folders, found...)
	}
	slices.SortStableFunc(folders, func(a, b string) int { return version(b) - version(a) })
	return folders
}

// version is the last number in a folder's name, or 0.
func version(folder string) int {
	numbers := strings.FieldsFunc(folder, func(r rune) bool { return r < '0' || r > '9' })
	if len(numbers) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(numbers[len(numbers)-1])
	return n
}

// onPath follows symbolic links, since initdb looks for postgres beside its
// own file, and a distribution may link only some of the programs.
func onPath() []string {
	link, err := exec.LookPath("initdb")
	if err != nil {
		return nil
	}
	program, err := filepath.EvalSymlinks(link)
	if err != nil {
		return nil
	}
	return []string{filepath.Dir(program)}
}

// complete tells a server's folder from one that has only the clients.
func complete(folder string) bool {
	for _, program := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(folder, program))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}
