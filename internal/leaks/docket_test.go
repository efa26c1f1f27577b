package leaks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	// What the binary is made of, so that go test sees when it changes.
	_ "docket/gql"
	_ "docket/internal/migration"
	_ "docket/internal/server"
)

var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if scratch, err = os.MkdirTemp("", "docket-leaks-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(scratch) }()
		return m.Run()
	}())
}

// build makes the program, once.
var build = sync.OnceValues(func() (string, error) {
	files, err := filepath.Glob("../../cmd/docket/*.go")
	for _, file := range files {
		_, readErr := os.ReadFile(file) // so that go test sees when it changes
		err = errors.Join(err, readErr)
	}
	path := filepath.Join(scratch, "docket")
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", path, "./cmd/docket")
	cmd.Dir = "../.."
	if out, buildErr := cmd.CombinedOutput(); buildErr != nil {
		err = errors.Join(err, fmt.Errorf("%w\n%s", buildErr, out))
	}
	return path, err
})

// command is docket in an empty folder, with no variables but those given.
func command(t *testing.T, variables []string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = t.TempDir(), append([]string{"HOME=" + t.TempDir()}, variables...)
	return cmd
}

// run runs docket to its end, and returns what it wrote to wherever.
func run(t *testing.T, variables []string, args ...string) (output []byte, err error) {
	t.Helper()
	cmd := command(t, variables, args...)
	stuck := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer stuck.Stop()
	output, err = cmd.CombinedOutput()
	return append(output, left(t, cmd.Dir)...), err
}

// left is all that is in the files of a folder, but for a database's own.
func left(t *testing.T, dir string) []byte {
	t.Helper()
	var text bytes.Buffer
	files := os.DirFS(dir)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), "docket.db") {
			return err
		}
		content, err := fs.ReadFile(files, path)
		fmt.Fprintf(&text, "\n%s:\n%s", path, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}
