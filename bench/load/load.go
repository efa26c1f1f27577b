// Package load sends requests over and over to a server on this machine.
//
// It is a closed loop: each worker holds one connection and sends its next
// request when the last answer is in. A run ends when no request is under way,
// so that what the server spent is spent on exactly the requests counted.
package load

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Load is what to send, to whom and for how long.
type Load struct {
	URL     string   // on a loopback address
	Bodies  [][]byte // in turn, over all workers
	Once    bool     // end when each was sent once
	Most    int      // end after so many, if not 0
	Skip    int      // so many were sent before
	Workers int
	For     time.Duration
	Check   func(answer []byte) error // of every answer
}

// Result is what came back.
type Result struct {
	Requests  int // good ones
	Failed    int
	Failure   error // the first
	Elapsed   time.Duration
	Next      int             // the body that comes next
	latencies []time.Duration // sorted
}

// Rate is the good answers per second.
func (r Result) Rate() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// Latency is the time within which a share of the good answers came.
func (r Result) Latency(share float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[int(share*float64(len(r.latencies)-1))]
}

// enough failures tell a broken server from one that loses a race.
const enough = 100

// drain is how long a last answer may take.
const drain = 30 * time.Second

// Run sends until the time is over or ctx is done.
func (l Load) Run(ctx context.Context) (Result, error) {
	u, err := loopback(l.URL)
	if err != nil {
		return Result{}, err
	}
	var next atomic.Int64
	next.Store(int64(l.Skip))
	start := time.Now()
	until := start.Add(l.For)
	workers := make([]worker, l.Workers)
	var wg sync.WaitGroup
	for i := range workers {
		w := &workers[i]
		wg.Go(func() { w.run(ctx, l, newConn(u, until.Add(drain)), &next, until) })
	}
	wg.Wait()
	r := Result{Elapsed: time.Since(start), Next: int(next.Load())}
	for _, w := range workers {
		r.latencies = append(r.latencies, w.latencies...)
		r.Failed += w.failed
		if r.Failure == nil {
			r.Failure = w.failure
		}
	}
	slices.Sort(r.latencies)
	r.Requests = len(r.latencies)
	return r, ctx.Err()
}

// Ask sends one body and returns its answer.
func Ask(target string, body []byte) ([]byte, error) {
	u, err := loopback(target)
	if err != nil {
		return nil, err
	}
	c := newConn(u, time.Now().Add(drain))
	defer c.close()
	return c.ask(body)
}

// loopback holds the benchmark to the machine it runs on.
func loopback(target string) (*url.URL, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("load: %s is not on a loopback address", target)
	}
	return u, nil
}

// worker is one connection's loop.
type worker struct {
	latencies []time.Duration
	failed    int
	failure   error
}

func (w *worker) run(ctx context.Context, l Load, c *conn, next *atomic.Int64, until time.Time) {
	defer c.close()
	for w.failed < enough && ctx.Err() == nil {
		sent := time.Now()
		n := int(next.Add(1)) - 1
		if !sent.Before(until) || l.Once && n >= len(l.Bodies) || l.Most > 0 && n >= l.Skip+l.Most {
			return
		}
		answer, err := c.ask(l.Bodies[n%len(l.Bodies)])
		if err == nil {
			err = l.Check(answer)
		}
		if err != nil {
			w.failed++
			if w.failure == nil {
				w.failure = err
			}
			continue
		}
		w.latencies = append(w.latencies, time.Since(sent))
	}
}

// ask is post for those who take nothing but an answer.
func (c *conn) ask(body []byte) ([]byte, error) {
	status, answer, err := c.post(body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %.300s", status, answer)
	}
	return answer, err
}
