package profiler

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"sync"
	"time"

	"docket/internal/database"
)

// What is kept, at most.
const (
	keptOperations = 200
	keptBytes      = 8 << 20 // of all operations
	keptOperation  = 1 << 20 // bytes of one: statements beyond are only counted
	keptStatements = 1000    // of one operation
	keptText       = 64 << 10
)

// Profiler keeps the latest operations. It may be used by many goroutines.
type Profiler struct {
	clock func() time.Time
	boot  string // tells this process from the next in what browsers keep

	mu         sync.Mutex
	last       int // number of the latest operation
	version    int // of the list: it grows when that changes
	operations []*operation
	bytes      int
}

// New makes a profiler that is on.
func New(clock func() time.Time) *Profiler {
	return &Profiler{clock: clock, boot: rand.Text()[:8]}
}

// Observers are what a database is opened with.
func (p *Profiler) Observers() []database.Observer {
	if p == nil {
		return nil
	}
	return []database.Observer{p}
}

// Around has the operations of all requests to the API be seen.
func (p *Profiler) Around(api http.Handler) http.Handler {
	if p == nil {
		return api
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := p.clock()
		x := &exchange{profiler: p, request: r.Method + " " + r.URL.Path, began: now, mark: now}
		counted := &counter{ResponseWriter: w}
		defer func() { p.keep(x.end(counted)) }()
		api.ServeHTTP(counted, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
	})
}

// keep keeps operations that have ended, in place of the oldest.
func (p *Profiler) keep(ended []*operation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range ended {
		p.last++
		o.ID = p.last
		p.operations = append(p.operations, o)
		p.bytes += o.weight
	}
	for len(p.operations) > keptOperations || p.bytes > keptBytes {
		p.bytes -= p.operations[0].weight
		p.operations = slices.Delete(p.operations, 0, 1)
	}
	p.version++
}

// all are the operations that are kept, the latest first.
func (p *Profiler) all() (operations []*operation, version int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	operations = slices.Clone(p.operations)
	slices.Reverse(operations)
	return operations, p.version
}

func (p *Profiler) find(id int) *operation {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.operations {
		if o.ID == id {
			return o
		}
	}
	return nil
}

func (p *Profiler) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.operations, p.bytes = nil, 0
	p.version++
}

// exchange is one request of HTTP and its answer.
type exchange struct {
	profiler *Profiler
	request  string // its method and path

	mu         sync.Mutex
	began      time.Time
	mark       time.Time // when the next operation of a batch begins
	operations []*operation
}

type exchangeKey struct{}

// begin begins the next operation of the request.
func (x *exchange) begin(o *operation) *operation {
	x.mu.Lock()
	defer x.mu.Unlock()
	o.profiler, o.Request, o.Began = x.profiler, x.request, x.mark
	x.operations = append(x.operations, o)
	return o
}

// unanswered is the operation that has begun and has no answer yet, if there is one.
func (x *exchange) unanswered() *operation {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n := len(x.operations); n > 0 && x.operations[n-1].answered.IsZero() {
		return x.operations[n-1]
	}
	return nil
}

// next has what follows be of the next operation.
func (x *exchange) next(t time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.mark = t
}

// end ends the exchange. One without an operation shows as one, too: it was
// refused, and whoever sent it looks for it.
func (x *exchange) end(sent *counter) []*operation {
	now := x.profiler.clock()
	if len(x.operations) == 0 {
		x.begin(&operation{executing: now})
	}
	for i, o := range x.operations {
		if i == len(x.operations)-1 {
			o.answered = now // written, too
		}
		o.Status, o.Size, o.Batch = sent.status, sent.size, len(x.operations)
		o.end()
	}
	return x.operations
}

// counter counts what is sent.
type counter struct {
	http.ResponseWriter
	status int // 0 until there is an answer
	size   int // bytes of the body
}

func (c *counter) WriteHeader(status int) {
	if c.status == 0 || c.status < 200 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(body []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(body)
	c.size += n
	return n, err
}

// Unwrap is for [http.ResponseController].
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
