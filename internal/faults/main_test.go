package faults_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	// What the binary is made of, so that go test sees when it changes.
	_ "docket/gql"
	_ "docket/internal/config"
	_ "docket/internal/server"
)

var (
	long = flag.Duration("long", 0, "repeat each test for so long, and print what was done")
	seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "where chance begins")
)

var scratch string

func TestMain(m *testing.M) {
	// The tests wait more than they work: for a disk, for a crash to be mended, for
	// requests to end.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	flag.Parse() // which may say otherwise
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "docket-faults-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	code := m.Run()
	if *long > 0 || testing.Verbose() || code != 0 {
		fmt.Printf("faults: seed %d\n", *seed)
		totals.print(os.Stdout)
	}
	return code
}

// docket is the program, built once.
var docket = sync.OnceValues(func() (string, error) {
	files, err := filepath.Glob("../../cmd/docket/*.go")
	if err != nil {
		return "", err
	}
	for _, f := range files { // so that go test sees when one changes
		if _, err := os.ReadFile(f); err != nil {
			return "", err
		}
	}
	path := filepath.Join(scratch, "docket")
	build := exec.CommandContext(context.Background(), "go", "build", "-buildvcs=false", "-o", path, "./cmd/docket")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// rounds runs a test once, or again and again for as long as -long says. Each
// round has chances of its own, and says which when it fails.
func rounds(t *testing.T, round func(t *testing.T, chance *rand.Rand)) {
	t.Helper()
	end := time.Now().Add(*long)
	for n := uint64(0); ; n++ {
		ok := t.Run(fmt.Sprintf("round%d", n), func(t *testing.T) {
			round(t, rand.New(rand.NewPCG(*seed, n))) //nolint:gosec // it has to be repeatable, not secret
		})
		if !ok {
			t.Fatalf("seed %d, round %d", *seed, n)
		}
		if !time.Now().Before(end) {
			return
		}
	}
}
