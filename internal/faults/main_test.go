package faults_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	_ "docket/gql" // this and those below: what docket is made of, so that go test sees when it changes
	_ "docket/internal/config"
	"docket/internal/programtest"
	_ "docket/internal/server"
)

var (
	long = flag.Duration("long", 0, "repeat each test for so long, and print what was done")
	seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "where chance begins")
)

func TestMain(m *testing.M) {
	// The tests wait more than they work: for a disk, for a crash to be mended, for
	// requests to end.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	flag.Parse() // which may say otherwise
	os.Exit(programtest.Main(func() int { return run(m) }))
}

func run(m *testing.M) int {
	code := m.Run()
	if *long > 0 || testing.Verbose() || code != 0 {
		fmt.Printf("faults: seed %d\n", *seed)
		totals.print(os.Stdout)
	}
	return code
}

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
