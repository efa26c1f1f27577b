// Package deploy_test tries the deploy files with the programs they are for:
// the parsers of Docker, a real nginx, and docket as its image runs it.
package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	// What cmd/docket is made of, so that go test sees when it changes.
	_ "docket/gql"
	_ "docket/internal/config"
	_ "docket/internal/migration"
	"docket/internal/programtest"
	_ "docket/internal/server"
)

// programs is where the programs that the tests build go.
var programs string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		programs, err = os.MkdirTemp("", "docket-deploy-")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(programs) }()
		return m.Run()
	}())
}

// buildDocket builds the binary like the Dockerfile does, but for -trimpath,
// which would compile everything once more.
var buildDocket = sync.OnceValues(func() (string, error) {
	files, err := filepath.Glob("../cmd/docket/*.go")
	for _, file := range files {
		_, readErr := os.ReadFile(file) // so that go test sees when it changes
		err = errors.Join(err, readErr)
	}
	path := filepath.Join(programs, "docket")
	return path, errors.Join(err, goBuild("..", path, "-ldflags=-s -w", "./cmd/docket"))
})

var buildCheck = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programs, "check")
	return path, goBuild("check", path, ".")
})

func goBuild(dir, path string, args ...string) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(context.Background(), "go", append([]string{"build", "-o", path}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "CGO_ENABLED=0"), &stderr
	if err := cmd.Run(); err != nil {
		return errors.New("go build: " + stderr.String())
	}
	return nil
}

func docket(t *testing.T) string {
	t.Helper()
	path, err := buildDocket()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// check has the content of a deploy file read by deploy/check, into v.
func check(t *testing.T, kind, content string, v any) error {
	t.Helper()
	for _, pattern := range []string{"*.go", "*.txt", "go.mod", "go.sum"} {
		sources, err := filepath.Glob("check/" + pattern)
		if err != nil || len(sources) == 0 {
			t.Fatalf("deploy/check has no %s (%v)", pattern, err)
		}
		for _, source := range sources {
			read(t, source) // so that go test sees when it changes
		}
	}
	program, err := buildCheck()
	programtest.Need(t, "deploy/check", err)
	file := filepath.Join(t.TempDir(), kind)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, kind, file)
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{}, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return errors.New(stderr.String())
	}
	return json.Unmarshal(stdout.Bytes(), v)
}

// refused fails unless the error says all of the words.
func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("a planted mistake is not seen; want an error about %q", words)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not tell of %q", err, word)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// replaced is text with each old, which it has to contain, as its new.
func replaced(t *testing.T, text string, oldNew ...string) string {
	t.Helper()
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			t.Fatalf("%q is not there to be replaced", oldNew[i])
		}
	}
	return strings.NewReplacer(oldNew...).Replace(text)
}
