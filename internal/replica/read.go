package replica

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lib/pq"
)

// errAway is that what was known of a replica did not hold while it was read.
var errAway = errors.New("the replica is away, or another")

// QueryContext reads for the request of ctx: from a replica that has all that its
// viewer has written, or from the primary. What a replica fails at, whatever the
// reason, the primary is asked.
func (s *Set) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if r, now := s.pick(ctx); r != nil {
		rows, err := r.read(ctx, now, query, args)
		if err == nil || ctx.Err() != nil {
			return rows, err
		}
		if !errors.Is(err, errAway) && gone(err) {
			now.lose()
		}
	}
	return s.primary.QueryContext(ctx, query, args...)
}

// pick chooses a replica for the request of ctx; nil is the primary. Who says who
// they are has the same as long as it can be read, on every server: another may
// be behind it, and what was seen would be gone again.
func (s *Set) pick(ctx context.Context) (chosen *replica, then *standing) {
	q, ok := ctx.Value(requestKey{}).(*request)
	if !ok || q.Begun() {
		return nil, nil
	}
	now, most := s.clock(), uint32(0)
	for i, r := range s.replicas {
		st := r.standing.Load()
		if !st.near(now, s.lag) || !r.known(st) {
			continue
		}
		written, err := q.position(s.positions)
		if err != nil {
			return nil, nil
		}
		if !st.covers(written) {
			continue
		}
		if rank := q.rank(i); chosen == nil || rank > most {
			chosen, then, most = r, st, rank
		}
	}
	return chosen, then
}

// read asks the replica as long as it stands as it did. One that hangs would
// answer neither a query nor the request to stop it, so nobody waits for that.
func (r *replica) read(ctx context.Context, then *standing, query string, args []any) (*sql.Rows, error) {
	type answer struct {
		rows *sql.Rows
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(then.there, cancel)
	answered := make(chan answer, 1)
	go func() {
		rows, err := r.reads.QueryContext(ctx, query, args...)
		answered <- answer{rows, err}
	}()
	select {
	case a := <-answered:
		if (!stop() || !r.known(then)) && a.err == nil {
			return nil, errors.Join(errAway, a.rows.Close())
		}
		return a.rows, a.err
	case <-then.there.Done():
		go func() {
			if a := <-answered; a.err == nil {
				_ = a.rows.Close()
			}
		}()
		return nil, errAway
	}
}

// gone reports whether a replica failed as a server, not at a query: class 57P is
// what one says that stops or has just started.
func gone(err error) bool {
	var said *pq.Error
	return !errors.As(err, &said) || said.Code.Class() == "57" && said.Code != "57014"
}
