package sharding_test

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/lib/pq"
)

const (
	homeTables = `CREATE EXTENSION btree_gist;
		CREATE TABLE claims (id text PRIMARY KEY, client_id bigint NOT NULL, shard int NOT NULL, time_slot timestamptz NOT NULL, ends_at timestamptz NOT NULL,
			active_from timestamptz NOT NULL, active_until timestamptz,
			EXCLUDE USING gist (client_id WITH =, tstzrange(time_slot, ends_at) WITH &&, tstzrange(active_from, active_until) WITH &&))`
	shardTables = `CREATE EXTENSION btree_gist;
		CREATE TABLE reservations (id text PRIMARY KEY, client_id bigint NOT NULL, appointment_id bigint NOT NULL, time_slot timestamptz NOT NULL,
			ends_at timestamptz NOT NULL, state text NOT NULL, active_from timestamptz NOT NULL, active_until timestamptz,
			EXCLUDE USING gist (appointment_id WITH =, tstzrange(active_from, active_until) WITH &&))`
)

// hold is how long a reservation waits for its confirmation.
const hold = 10 * time.Minute

// errDied is what ends a verb between two databases.
var errDied = errors.New("died")

// booking is what a client wants.
type booking struct {
	id            string
	client, slot  int
	shard         int
	start, finish time.Time
}

// service books on shards. Without claims it is what nobody should do.
type service struct {
	home   *sql.DB
	shards []*sql.DB
	claims bool
	now    func() time.Time
	dies   func() bool // now, between two databases
}

// reserve reports whether the slot is held for the client now.
func (s *service) reserve(ctx context.Context, b booking) (bool, error) {
	now := s.now()
	if s.claims {
		ok, err := done(s.home.ExecContext(ctx, `INSERT INTO claims VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			b.id, b.client, b.shard, b.start, b.finish, now, now.Add(hold)))
		if !ok || err != nil {
			return false, err
		}
		if s.dies() {
			return false, errDied
		}
	}
	ok, err := done(s.shards[b.shard].ExecContext(ctx, `INSERT INTO reservations VALUES ($1, $2, $3, $4, $5, 'HELD', $6, $7)`,
		b.id, b.client, b.slot, b.start, b.finish, now, now.Add(hold)))
	if ok || err != nil {
		return ok, err
	}
	return false, s.release(ctx, b.id)
}

// confirm reports whether the slot is the client's for good.
func (s *service) confirm(ctx context.Context, b booking) (bool, error) {
	if s.claims {
		ok, err := done(s.home.ExecContext(ctx, `UPDATE claims SET active_until = NULL WHERE id = $1 AND (active_until > $2 OR active_until IS NULL)`, b.id, s.now()))
		if !ok || err != nil {
			return false, err
		}
		if s.dies() {
			return false, errDied
		}
	}
	// A claim that is for good now, and its reservation is not, is the sweeper's.
	return done(s.shards[b.shard].ExecContext(ctx,
		`UPDATE reservations SET state = 'CONFIRMED', active_until = NULL WHERE id = $1 AND state = 'HELD' AND active_until > $2`, b.id, s.now()))
}

// cancel ends the reservation first, and then what it claimed.
func (s *service) cancel(ctx context.Context, b booking) error {
	ok, err := done(s.shards[b.shard].ExecContext(ctx,
		`UPDATE reservations SET state = 'CANCELLED', active_until = $2 WHERE id = $1 AND state IN ('HELD', 'CONFIRMED') AND (active_until > $2 OR active_until IS NULL)`, b.id, s.now()))
	if !ok || err != nil {
		return err
	}
	if s.claims && s.dies() {
		return errDied
	}
	return s.release(ctx, b.id)
}

func (s *service) release(ctx context.Context, id string) error {
	_, err := s.home.ExecContext(ctx, `DELETE FROM claims WHERE id = $1`, id)
	return err
}

// sweep gives up claims whose reservation is over. It ends a hold that has run
// out before, so that nobody whose clock is behind confirms it afterwards.
func (s *service) sweep(ctx context.Context) error {
	rows, err := s.home.QueryContext(ctx, `SELECT id, shard FROM claims WHERE active_until IS NULL`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var shard int
		if err := rows.Scan(&id, &shard); err != nil {
			return err
		}
		var live bool
		if _, err := s.shards[shard].ExecContext(ctx, `UPDATE reservations SET state = 'EXPIRED' WHERE id = $1 AND state = 'HELD' AND active_until <= $2`, id, s.now()); err != nil {
			return err
		}
		if err := s.shards[shard].QueryRowContext(ctx, `SELECT count(*) > 0 FROM reservations WHERE id = $1 AND state IN ('HELD', 'CONFIRMED')`, id).Scan(&live); err != nil {
			return err
		}
		if !live {
			if err := s.release(ctx, id); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// done reports whether a statement changed a row; a constraint that refuses is
// an answer, no error, as is a deadlock of two who want the same.
func done(r sql.Result, err error) (bool, error) {
	var refused *pq.Error
	if errors.As(err, &refused) && (refused.Code == "23P01" || refused.Code == "40P01") {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
