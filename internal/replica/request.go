package replica

import (
	"context"
	"hash/fnv"
	"net/http"
	"strconv"
	"sync"
	"time"

	"docket/internal/database"
	"docket/internal/viewer"
)

// request is a request of HTTP, with all its operations.
type request struct {
	database.Written
	subject string
	rankKey string

	once    sync.Once
	written Position
	err     error
}

type requestKey struct{}

// noting is how long it may take to find out how far a request has written.
const noting = 5 * time.Second

// Handler lets requests read from replicas, until they write. Before one that may
// have written is answered, the position is noted: whatever its viewer asks next,
// and whichever server is asked, it is read where this can be seen.
func (s *Set) Handler(next http.Handler) http.Handler {
	if len(s.replicas) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, _ := viewer.FromContext(r.Context())
		q := &request{subject: v.Subject, rankKey: v.Subject}
		if v.Anonymous() || v.Unasked() { // who may be many: they write as one, and are spread to read
			q.rankKey = strconv.FormatUint(s.nobody.Add(1), 10)
		}
		ctx := database.NewContext(context.WithValue(r.Context(), requestKey{}, q), &q.Written)
		settle := sync.OnceFunc(func() { s.settle(ctx, q) })
		defer settle() // of a panic, somebody else tells
		next.ServeHTTP(&answer{w, settle}, r.WithContext(ctx))
	})
}

// answer settles what was written before it says anything of it.
type answer struct {
	http.ResponseWriter
	settle func()
}

// WriteHeader settles, and begins the answer.
func (a *answer) WriteHeader(status int) {
	a.settle()
	a.ResponseWriter.WriteHeader(status)
}

// Write settles, and writes.
func (a *answer) Write(text []byte) (int, error) {
	a.settle()
	return a.ResponseWriter.Write(text)
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// settle notes how far a request has written, also where it was refused: what the
// refusal tells is to be seen, too.
func (s *Set) settle(ctx context.Context, q *request) {
	if !q.Begun() {
		return
	}
	p := unknown
	if !q.Unknown() {
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), noting)
		defer cancel()
		var err error
		if p, err = s.written(asking); err != nil {
			s.log.WarnContext(ctx, "nobody knows how far a viewer has written; for a while they read from the primary", "error", err)
			p = unknown
		}
	}
	if err := s.positions.Note(q.subject, p); err != nil && p != unknown {
		s.await(ctx, p)
	}
}

// await returns when every replica that is read has come so far: other servers
// cannot be told to wait. One that does not come is not read after a while.
func (s *Set) await(ctx context.Context, p Position) {
	for _, r := range s.replicas {
		for st := r.standing.Load(); st.near(s.clock(), s.lag) && !st.covers(p); st = r.standing.Load() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(every / 4):
			}
		}
	}
}

// position is how far the viewer had written when the request came to read.
func (q *request) position(from Positions) (Position, error) {
	q.once.Do(func() { q.written, q.err = from.Of(q.subject) })
	return q.written, q.err
}

// rank orders replicas for a viewer (rendezvous hashing): where one goes, only
// those who had it change.
func (q *request) rank(replica int) uint32 {
	h := fnv.New32a()
	_, _ = h.Write(strconv.AppendInt([]byte(q.rankKey), int64(replica), 10))
	return h.Sum32()
}
