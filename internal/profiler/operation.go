package profiler

import (
	"database/sql/driver"
	"slices"
	"strings"
	"sync"
	"time"

	"docket/internal/viewer"
)

// operation is one that was executed, or a request that was refused before.
// Once it has ended nothing of it changes.
type operation struct {
	profiler *Profiler

	ID        int
	Request   string // the method and path of its request
	Batch     int    // how many operations its request had
	Began     time.Time
	executing time.Time // when it was read, and known to be valid
	answered  time.Time
	Kind      string // query or mutation; "" where it came to none
	Name      string // "" where it has none
	Fields    string // at the root
	Document  string
	Variables string // JSON
	Viewer    viewer.Viewer
	Status    int // of HTTP, 0 where there was no answer
	Size      int // bytes of the answer, to all of a batch
	Errors    []failure

	mu           sync.Mutex // holds what statements add
	Statements   []*statement
	Unkept       int // statements that were only counted
	took         time.Duration
	transactions int
	open         map[string]int // by path: the transaction that is open there
	texts        map[string]string
	weight       int
	ended        bool
	repeats      map[repeated]*repeat
}

// failure is an error of an answer.
type failure struct{ Code, Message, Path string }

// statement is one round trip to the database.
type statement struct {
	Number  int // in its operation, from 1
	Text    string
	Args    []any
	Cut     bool          // the arguments were too long to be kept
	Began   time.Duration // since its operation did
	Took    time.Duration
	Rows    int64 // read or changed, as the driver has it
	Err     string
	Path    []string // of the field that caused it
	Reads   []read   // by the planner
	reading *reading
	tx      int // in which transaction of the operation, 0 for none
	done    bool
}

// read is a field whose rows a statement reads.
type read struct {
	Path []string
	Rows int
}

// Duration is how long the operation took, from its request to its answer.
func (o *operation) Duration() time.Duration { return o.answered.Sub(o.Began) }

// Before is how long it took until it was executed.
func (o *operation) Before() time.Duration { return o.executing.Sub(o.Began) }

// Executed reports whether it came to an operation.
func (o *operation) Executed() bool { return o.Kind != "" }

// SQL is how long its statements took together.
func (o *operation) SQL() time.Duration { return o.took }

// Count is how many statements were sent, besides those that only frame others.
func (o *operation) Count() int {
	n := o.Unkept
	for _, s := range o.Statements {
		if !s.frames() {
			n++
		}
	}
	return n
}

// RoundTrips is how often the database was asked anything.
func (o *operation) RoundTrips() int { return len(o.Statements) + o.Unkept }

// Rows is how many rows were read or changed.
func (o *operation) Rows() (n int64) {
	for _, s := range o.Statements {
		if !s.frames() {
			n += s.Total()
		}
	}
	return n
}

// Codes are those of its errors, each once.
func (o *operation) Codes() (codes []string) {
	for _, f := range o.Errors {
		if !slices.Contains(codes, f.Code) {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// Failed reports whether it has an error, or no answer.
func (o *operation) Failed() bool { return len(o.Errors) > 0 || o.Status == 0 || o.Status >= 400 }

// frames reports whether the statement only begins, ends or prepares.
func (s *statement) frames() bool {
	return s.Text == "BEGIN" || s.Text == "COMMIT" || s.Text == "ROLLBACK" || strings.HasPrefix(s.Text, "PREPARE ")
}

// Total is how many rows it read or changed: those of the fields it reads, where
// the planner has made one text of them.
func (s *statement) Total() int64 {
	if s.reading == nil {
		return s.Rows
	}
	n := 0
	for _, r := range s.Reads {
		n += r.Rows
	}
	return int64(n)
}

// end ends the operation: what its statements still do is not seen any more.
func (o *operation) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	for _, s := range o.Statements {
		if !s.done {
			s.Took = o.answered.Sub(o.Began) - s.Began
			o.took += s.Took
		}
		if r := s.reading; r != nil {
			for i, path := range r.fields {
				s.Reads = append(s.Reads, read{Path: path})
				if i < len(r.rows) {
					s.Reads[i].Rows = r.rows[i]
				}
			}
		}
	}
	o.repeats = repeatsOf(o.Statements)
	o.open, o.texts = nil, nil
	o.weight += 1024 + len(o.Document) + len(o.Variables)
	for _, f := range o.Errors {
		o.weight += len(f.Message) + len(f.Path)
	}
}

// add adds a statement that begins now; nil where it is not kept.
func (o *operation) add(text string, args []driver.NamedValue, path []string, r *reading) *statement {
	if len(o.Statements) == keptStatements || o.weight+len(text) > keptOperation {
		o.Unkept++
		return nil
	}
	if same, ok := o.texts[text]; ok {
		text = same
	} else {
		o.texts[text] = text
		o.weight += len(text)
	}
	s := &statement{Number: len(o.Statements) + 1, Text: text, Path: path, reading: r, Began: o.profiler.clock().Sub(o.Began)}
	var size int
	if s.Args, size = copied(args); s.Args == nil {
		s.Cut = len(args) > 0
	}
	if s.frames() {
		s.reading = nil // what is prepared reads nothing yet
	}
	o.weight += 256 + size
	o.Statements = append(o.Statements, s)
	at := strings.Join(path, ".")
	if text == "BEGIN" {
		o.transactions++
		o.open[at] = o.transactions
	}
	s.tx = o.open[at]
	if text == "COMMIT" || text == "ROLLBACK" {
		delete(o.open, at)
	}
	return s
}

// copied are the arguments, with their size in bytes; nil where that is too much.
func copied(args []driver.NamedValue) (all []any, size int) {
	for _, a := range args {
		v := a.Value
		switch b := v.(type) {
		case []byte:
			v, size = slices.Clone(b), size+len(b)
		case string:
			size += len(b)
		}
		if size += 32; size > keptText {
			return nil, 0
		}
		all = append(all, v)
	}
	return all, size
}
