package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	hostileClients = 8
	slowClients    = 100
	readTimeout    = 2 * time.Second
	peakMemory     = 600 // MB, of which the collector decides
	grownMemory    = 80  // MB, once all was tried before
)

// TestHostileRequests sends what hurts servers, while others go on: each is told
// what is wrong with it, and memory is what it was.
func TestHostileRequests(t *testing.T) {
	s := prepare(t, "sqlite://"+filepath.Join(t.TempDir(), "docket.db"))
	s.args = append(s.args, "--read-timeout", readTimeout.String())
	s.start(t)
	all := attacks()
	ctx, stop := context.WithCancel(t.Context())
	good := behave(ctx, t, s)
	sent, answered := map[string]int{}, map[string]int{} // by attack; by status
	began, first := time.Now(), 0
	for round := range uint64(1 << 30) {
		attack(t, s, all, round, sent, answered)
		if now := memory(t, s, "VmRSS"); round == 1 {
			first = now // the first round fills what is kept: documents, plans, buffers
		} else if round > 1 && now > first+grownMemory {
			t.Errorf("round %d: %d MB, %d after the first", round, now, first)
		}
		if round >= 3 && time.Since(began) > *long {
			break
		}
	}
	stop()
	latencies := <-good
	if peak := memory(t, s, "VmHWM"); peak > peakMemory {
		t.Errorf("it took %d MB", peak)
	}
	if log, _ := os.ReadFile(s.log); bytes.Contains(log, []byte("internal error")) || bytes.Contains(log, []byte("panic")) {
		t.Error("some of it was an internal error")
	}
	total := 0
	for _, n := range sent {
		total += n
	}
	slices.Sort(latencies)
	t.Logf("%d requests of %d kinds in %v, answered %v; memory %d MB after the first rounds, %d at the end, %d at most; %d good requests, half within %v, 99%% within %v, all within %v",
		total, len(sent), time.Since(began).Round(time.Second), answered, first, memory(t, s, "VmRSS"), memory(t, s, "VmHWM"),
		len(latencies), latencies[len(latencies)/2], latencies[len(latencies)*99/100], latencies[len(latencies)-1])
}

// attack sends each attack some times, by several clients at once, beside slow ones.
func attack(t *testing.T, s *service, all []hostile, round uint64, sent, answered map[string]int) {
	t.Helper()
	var mu sync.Mutex
	var wait sync.WaitGroup
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: hostileClients}}
	defer client.CloseIdleConnections()
	for i := range hostileClients {
		chance := rand.New(rand.NewPCG(*seed+round, uint64(i))) //nolint:gosec // it has to be repeatable
		wait.Go(func() {
			for _, n := range chance.Perm(len(all)) {
				status := all[n].send(t, client, s.address(), chance)
				mu.Lock()
				sent[all[n].name]++
				answered[status]++
				mu.Unlock()
			}
		})
	}
	var cut atomic.Int64
	for range slowClients {
		wait.Go(func() { cut.Add(crawl(t, s.address())) })
	}
	wait.Wait()
	sent["slow clients"] += slowClients
	answered["cut off"] += int(cut.Load())
	if cut.Load() != slowClients {
		t.Errorf("%d of %d slow clients were cut off", cut.Load(), slowClients)
	}
}

// send sends one request, and checks that its answer says what is wrong with it.
func (h hostile) send(t *testing.T, client *http.Client, url string, chance *rand.Rand) (status string) {
	t.Helper()
	var body io.Reader = bytes.NewReader(h.body(chance))
	if chance.IntN(2) == 0 {
		body = io.MultiReader(body) // its length is not told
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Error(err)
		return ""
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/graphql-response+json")
	for pair := range slices.Chunk(h.header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	began := time.Now()
	res, err := client.Do(r)
	if err != nil { // a server that does not read on may close before it is heard
		if !strings.Contains(h.name, "10 MB") {
			t.Errorf("%s: %v", h.name, err)
		}
		return "closed"
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	var answer struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err != nil || json.Unmarshal(text, &answer) != nil {
		t.Errorf("%s: %d %.200q %v", h.name, res.StatusCode, text, err)
	}
	if took := time.Since(began); took > 20*time.Second || len(text) > 1<<16 {
		t.Errorf("%s: %d bytes after %v", h.name, len(text), took)
	}
	for _, e := range answer.Errors {
		if e.Extensions.Code == "" || e.Extensions.Code == "INTERNAL" || e.Message == "" || len(e.Message) > 4096 {
			t.Errorf("%s: %.300s", h.name, text)
			break
		}
	}
	if len(answer.Errors) == 0 && !h.does || res.StatusCode >= 500 {
		t.Errorf("%s: %d %.300s", h.name, res.StatusCode, text)
	}
	return strconv.Itoa(res.StatusCode)
}

// crawl sends a request one byte after the other, and returns 1 once it is cut off.
func crawl(t *testing.T, url string) int64 {
	t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/graphql")
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer c.Close()
	_, _ = fmt.Fprintf(c, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{", host)
	ended := make(chan struct{})
	go func() { defer close(ended); _, _ = io.Copy(io.Discard, c) }()
	for end := time.Now().Add(10 * readTimeout); time.Now().Before(end); {
		select {
		case <-ended:
			return 1
		case <-time.After(100 * time.Millisecond):
			_, _ = c.Write([]byte(" "))
		}
	}
	return 0
}

// behave is a client that means well, until ctx ends; then it tells how long its
// answers took.
func behave(ctx context.Context, t *testing.T, s *service) <-chan []time.Duration {
	t.Helper()
	done := make(chan []time.Duration, 1)
	go func() {
		var took []time.Duration
		for ctx.Err() == nil {
			began := time.Now()
			var data struct{ Clients struct{ TotalCount int } }
			problems, err := ask(ctx, http.DefaultClient, s.address(), "{ clients(first: 1) { totalCount edges { node { id } } } }", nil, &data)
			if ctx.Err() == nil && (err != nil || len(problems) > 0) {
				t.Errorf("a good request: %v %v", err, problems)
			}
			took = append(took, time.Since(began))
			time.Sleep(20 * time.Millisecond)
		}
		done <- took
	}()
	return done
}

// memory is what a line of the status of the process says, in MB.
func memory(t *testing.T, s *service, line string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid()))
	if err != nil {
		t.Skipf("without /proc: %v", err)
	}
	_, rest, _ := strings.Cut(string(text), line+":")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}
