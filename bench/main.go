// Command bench measures docket beside others that answer the same questions:
// the least that could (bench/floor), PostGraphile and graphql-yoga, on one
// database and in one run. It writes docs/benchmarks.md, which says how.
//
// It starts all that it measures, on loopback addresses and on throwaway
// databases, and ends it again. It reads /proc, so it needs Linux.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"docket/bench/dataset"
)

// options are what a run can be told.
type options struct {
	peers, workloads []string
	workers          []int
	seconds          float64
	repeats          int
	scale            int
	data             dataset.Scale
	source           string // of the docket that is measured
	dir              string // where the databases go
	out              string // "" writes no report
	command          string // that does it again
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	peers := flags.String("peers", strings.Join(everyone, ","), "who is measured")
	workloads := flags.String("workloads", strings.Join(names(), ","), "what they are asked")
	workers := flags.String("workers", "1,16,64", "how many ask at the same time")
	flags.Float64Var(&o.seconds, "seconds", 1, "how long a measurement takes")
	flags.IntVar(&o.repeats, "repeats", 3, "how many measurements a median is of")
	flags.IntVar(&o.scale, "scale", 1, "how many times the data: 1, 10, 100")
	flags.StringVar(&o.source, "docket", ".", "`folder` of the docket to measure: a work tree of any commit")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "`folder` for the databases: 1 GB on disk, times the scale up to 10, 40 GB at 100")
	flags.StringVar(&o.out, "out", "docs", "`folder` for the report, empty for none")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag", flags.Arg(0))
	}
	for text := range strings.SplitSeq(*workers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 256 {
			return o, fmt.Errorf("workers: %q is not between 1 and 256", text)
		}
		o.workers = append(o.workers, n)
	}
	if o.seconds <= 0 || o.seconds > 60 || o.repeats < 1 || o.scale < 1 || o.scale > 100 {
		return o, fmt.Errorf("seconds have to be up to 60, repeats from 1, the scale up to 100")
	}
	o.peers, o.workloads = strings.Split(*peers, ","), strings.Split(*workloads, ",")
	o.data = dataset.At(o.scale)
	o.command = "go run ./bench"
	flags.Visit(func(f *flag.Flag) {
		if f.Name != "docket" && f.Name != "dir" && f.Name != "out" { // folders are nobody else's business
			o.command += " -" + f.Name + " " + f.Value.String()
		}
	})
	return o, nil
}

// span is a number of seconds as a duration.
func span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
