package leaks_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	_ "docket/gql" // this and those below: what docket is made of, so that go test sees when it changes
	_ "docket/internal/migration"
	"docket/internal/programtest"
	_ "docket/internal/server"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m.Run)) }

// command is docket in an empty folder, with no variables but those given.
func command(t *testing.T, variables []string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := programtest.Docket()
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
