package deploy_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// settled is how long after a server died nginx may still send to it, over a
// connection that it has kept and of which it has not noticed yet that it is gone.
const settled = time.Second

// TestDeadServer kills a server under load, and then the other. What was sent to
// it fails as documented, as nobody knows what came of it; what can be repeated
// is, and whatever comes later is answered by who is left.
func TestDeadServer(t *testing.T) {
	t.Parallel()
	top := newTopology(t, 2)
	dead := top.all[0]
	var gone time.Time
	var reads atomic.Int64
	all := bookers(t, top.url, 6, func() {
		defer readers(t, top.url, 2, &reads)()
		time.Sleep(300 * time.Millisecond)
		top.kill(t, dead)
		gone = time.Now()
		time.Sleep(3 * time.Second)
	})
	booked, asked, failed := top.counted(t, all)
	t.Logf("%d requests, %d slots booked, %d failed with their server; %d reads by GET, none of which failed", asked, booked, len(failed), reads.Load())
	for _, f := range failed {
		if f.status != http.StatusBadGateway || !strings.Contains(f.text, "may have been carried out") || errorCode(t, f.text) != "INTERNAL" {
			t.Errorf("not as documented: %s", f)
		}
		if late := f.sent.Sub(gone); late > settled {
			t.Errorf("sent %v after the server died: %s", late, f)
		}
	}
	if booked < 20 || reads.Load() < 20 {
		t.Errorf("only %d slots were booked, and %d reads answered", booked, reads.Load())
	}

	top.kill(t, top.all[0])
	for _, request := range []*http.Request{post(t, top.url, `{"query": "{ __typename }"}`), get(t, top.url+"/graphql?query={__typename}")} {
		if status, header, body := do(t, request); status != http.StatusBadGateway || errorCode(t, body) != "INTERNAL" || header.Get("Content-Type") != "application/json" {
			t.Errorf("while no server is there: %d %v %s", status, header, body)
		}
	}
	address := dead.Address
	if top.names != nil {
		address = top.place(t)
	}
	top.all = append(top.all, top.start(t, address))
	top.told(t)
	within(t, "it answers again", func() bool {
		status, _, _ := do(t, post(t, top.url, `{"query": "{ __typename }"}`))
		return status == http.StatusOK
	})
}

// kill ends a server as the kernel ends what takes too much memory.
func (top *topology) kill(t *testing.T, s served) {
	t.Helper()
	if err := s.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-s.Done; err == nil {
		t.Error("a server that was killed ended well")
	}
	top.forget(t, s)
}

// readers read by GET, which may be repeated, and fail the test if any is not
// answered. What is returned ends them.
func readers(t *testing.T, base string, n int, reads *atomic.Int64) (end func()) {
	t.Helper()
	var working sync.WaitGroup
	var ended atomic.Bool
	for range n {
		working.Go(func() {
			for !ended.Load() {
				status, _, body := do(t, get(t, base+"/graphql?query={availableAppointments(first:5){edges{node{id}}}}"))
				if status != http.StatusOK || strings.Contains(body, "errors") {
					t.Errorf("a read: %d %s", status, body)
					return
				}
				reads.Add(1)
			}
		})
	}
	return func() { ended.Store(true); working.Wait() }
}
