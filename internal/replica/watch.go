package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"docket/internal/database"
)

const (
	every    = 100 * time.Millisecond // a replica is asked
	patience = 500 * time.Millisecond // that it has to answer
)

// What servers are asked. Without synchronous_commit, what is committed need not
// be in the log yet, only in memory. Without the right to see all statistics,
// received_tli is null, and a standby tells its timeline as of its last restart
// point.
const (
	askWritten = `SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
		CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_lsn() END - '0/0'`
	askPrimary = askWritten + `, system_identifier FROM pg_control_system()`
	askReplica = `SELECT greatest(timeline_id, (SELECT received_tli FROM pg_stat_wal_receiver)),
		coalesce(pg_last_wal_replay_lsn(), '0/0') - '0/0', system_identifier, pg_is_in_recovery() FROM pg_control_system(), pg_control_checkpoint()`
)

// place is where a server is. Positions of one system and timeline are of one log.
type place struct {
	Position
	system int64 // the identifier that initdb gave it
}

func (p place) sameLog(other place) bool {
	return p.system == other.system && p.Timeline == other.Timeline
}

// standing is where a replica stands.
type standing struct {
	place                     // all up to there has been replayed
	fresh  time.Time          // and thus all that was committed before
	there  context.Context    //nolint:containedctx // ends when the replica does not answer, or is another
	end    context.CancelFunc // of that
	opened uint64             // connections for reads, when it was asked
}

// well reports whether the replica has not been lost since.
func (st *standing) well() bool { return st != nil && st.there.Err() == nil }

// near reports whether the replica is not too far behind.
func (st *standing) near(now time.Time, lag time.Duration) bool {
	return st.well() && now.Sub(st.fresh) <= lag
}

// known reports whether no connection is newer. That may lead to a server which
// was started again, or another, and is behind where the replica was found to be.
func (r *replica) known(st *standing) bool { return st.opened == r.opened.Load() }

// lose ends all that reads from the replica.
func (st *standing) lose() {
	if st != nil {
		st.end()
	}
}

// watch keeps the standing of a replica, and logs when that changes.
func (s *Set) watch(ctx context.Context, r *replica) {
	defer func() { r.standing.Load().lose() }()
	was, asked := "", s.clock()
	if primary, err := s.place(ctx); err == nil { // a replica that is there now is at least there
		r.marks.add(mark{primary, asked}, s.lag)
	}
	for first := true; ; first = false {
		why := s.check(ctx, r)
		if ctx.Err() != nil {
			return
		}
		switch changed := first || (why == "") != (was == ""); {
		case changed && why == "":
			s.log.Info("a replica is read", "replica", r.String())
		case changed:
			s.log.Warn("a replica is not read", "replica", r.String(), "why", why)
		}
		was = why
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// check asks the replica and the primary, and says why the former is not read.
func (s *Set) check(ctx context.Context, r *replica) (why string) {
	before := r.standing.Load()
	had := before.well()
	if !had {
		if why := r.look(ctx); why != "" {
			return why
		}
	}
	opened := r.opened.Load()
	late := time.AfterFunc(patience, before.lose)
	at, standby, err := r.place(ctx)
	if !late.Stop() && err == nil {
		err = context.DeadlineExceeded
	}
	if err != nil {
		return lost(before, fmt.Sprintf("it does not answer: %v", err))
	}
	if had && !before.well() { // it may have answered before it was lost, and be elsewhere now
		return "connections to it were lost"
	}
	if had && (!standby || !at.sameLog(before.place) || at.Bytes < before.Bytes) {
		before.lose() // it was promoted, or started again, or is another
		had = false
	}
	asked := s.clock()
	primary, err := s.place(ctx)
	switch {
	case !standby:
		return "it is no standby"
	case err != nil && !had:
		return fmt.Sprintf("the primary does not answer: %v", err)
	case err == nil && at.system != primary.system:
		return lost(before, "it is a copy of another database system")
	case err == nil && at.Timeline != primary.Timeline:
		return lost(before, fmt.Sprintf("it is on timeline %d, and the primary on %d", at.Timeline, primary.Timeline))
	case err == nil && at.Bytes > primary.Bytes:
		return lost(before, "it is ahead of the primary")
	case err == nil:
		r.marks.add(mark{primary, asked}, s.lag)
	}
	now := &standing{place: at, fresh: r.marks.fresh(at.Position), opened: opened}
	if had {
		now.there, now.end = before.there, before.end
		if now.fresh.Before(before.fresh) { // what told so is too old to be remembered
			now.fresh = before.fresh
		}
	} else {
		now.there, now.end = context.WithCancel(context.WithoutCancel(ctx))
	}
	r.standing.Store(now)
	switch {
	case now.fresh.IsZero():
		return "how far it is behind is not known yet"
	case !now.near(s.clock(), s.lag):
		return fmt.Sprintf("it is more than %v behind", s.lag)
	}
	return ""
}

func lost(st *standing, why string) string {
	st.lose()
	return why
}

// look opens connections for reads, where there are new ones or none, and says if a
// pooler mixes them.
func (r *replica) look(ctx context.Context) (why string) {
	if r.looked > 0 && r.looked == r.opened.Load() {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 10*patience)
	defer cancel()
	switch err := r.Connect(ctx); {
	case errors.Is(err, database.ErrPooled):
		return err.Error()
	case err != nil:
		return fmt.Sprintf("it does not answer: %v", err)
	}
	r.looked = r.opened.Load()
	return ""
}

// place asks the replica where it is, and whether it is a standby.
func (r *replica) place(ctx context.Context) (at place, standby bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = r.watched.QueryRowContext(ctx, askReplica).Scan(&at.Timeline, &at.Bytes, &at.system, &standby)
	return at, standby, err
}

// place asks the primary where it is.
func (s *Set) place(ctx context.Context) (at place, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = s.watched.QueryRowContext(ctx, askPrimary).Scan(&at.Timeline, &at.Bytes, &at.system)
	return at, err
}

// written is a position that all is before that is committed.
func (s *Set) written(ctx context.Context) (p Position, err error) {
	err = s.asked.QueryRowContext(ctx, askWritten).Scan(&p.Timeline, &p.Bytes)
	return p, err
}

// mark is where the primary was, or further, at some time.
type mark struct {
	place
	at time.Time
}

// marks are those of a log, in order.
type marks []mark

// add forgets what is too old to matter, or of another log.
func (m *marks) add(next mark, lag time.Duration) {
	for len(*m) > 0 && (next.at.Sub((*m)[0].at) > lag || !next.sameLog((*m)[0].place)) {
		*m = (*m)[1:]
	}
	*m = append(*m, next)
}

// fresh is a time of which all is known that was committed before it, at the
// position.
func (m *marks) fresh(p Position) (at time.Time) {
	for len(*m) > 1 && p.covers((*m)[1].Position) {
		*m = (*m)[1:]
	}
	if len(*m) > 0 && p.covers((*m)[0].Position) {
		at = (*m)[0].at
	}
	return at
}
