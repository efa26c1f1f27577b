// Package programtest gives tests the programs that they run: docket itself, as
// this tree makes it, and tools that a machine may lack.
package programtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

var folder string // of the program; set before any test runs

// Main runs the tests of a package in internal that asks for [Docket], and returns
// with what to exit. A test of such a package has to import what the program is
// made of, so that go test sees when it changes.
func Main(run func() int) int {
	var err error
	if folder, err = os.MkdirTemp("", "docket-program-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	return run()
}

// Docket is the path of the program, built once.
var Docket = sync.OnceValues(func() (string, error) {
	files, err := filepath.Glob("../../cmd/docket/*.go")
	for _, file := range files {
		_, readErr := os.ReadFile(file) // so that go test sees when it changes
		err = errors.Join(err, readErr)
	}
	path := filepath.Join(folder, "docket")
	cmd := exec.CommandContext(context.Background(), "go", "build", "-buildvcs=false", "-o", path, "./cmd/docket")
	cmd.Dir = "../.."
	if out, buildErr := cmd.CombinedOutput(); buildErr != nil {
		err = errors.Join(err, fmt.Errorf("%w\n%s", buildErr, out))
	}
	return path, err
})

// TB is what [Need] needs of a testing.TB.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Need skips the test for want of a tool, except in CI, which has to have it.
func Need(t TB, tool string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("CI needs %s: %v", tool, err)
	default:
		t.Skipf("without %s: %v", tool, err)
	}
}
