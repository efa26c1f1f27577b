// Package idempotency has a request that is sent again answered, not done again.
//
// A request that its sender gave a key leaves the ids of what it led to in the
// transaction that did it. So both are there or neither is, and whoever asks
// again, even at the same time, gets what came of the first. What was refused
// has changed nothing and leaves nothing: asked again, it is decided again.
package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/ent/orm/idempotencykey"
	"docket/internal/booking"
	"docket/internal/txn"
)

// MaxKey is how many bytes a key has at most.
const MaxKey = 255

// Request is what is asked for. Keys of different askers and of different
// operations have nothing to do with each other.
type Request struct {
	Asker     string // the subject of who asks
	Operation string
	Key       string
	Input     map[string]any // as JSON values, without the key
}

// Reused says that the key was used before, for another input.
type Reused struct{ Operation, Key string }

func (e *Reused) Error() string { return e.Operation + " was asked with this key and another input" }

// Keys are those that are remembered, each for the time Keep.
type Keys struct{ Keep time.Duration }

// Once does the request as part of tx and returns the ids that it leads to, or
// those that it led to before. Its context carries a moment. Whoever has the same
// key at the same time waits here for how that ends, before anything is decided.
func (k Keys) Once(ctx context.Context, tx *orm.Tx, r Request, do func() ([]int, error)) ([]int, error) {
	moment, err := booking.FromContext(ctx)
	if err != nil {
		return nil, err
	}
	ctx = entity.Service(ctx)
	input, err := fingerprint(r.Input)
	if err != nil {
		return nil, err
	}
	claimed, err := tx.ExecContext(ctx, claim, moment.Now, r.Asker, r.Operation, r.Key, input, moment.Now.Add(-k.Keep))
	if err != nil {
		return nil, err
	}
	n, err := claimed.RowsAffected()
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return repeat(ctx, tx, r, input)
	}
	ids, err := do()
	if err != nil {
		return nil, err
	}
	return ids, tx.IdempotencyKey.Update().Where(r.is).SetResult(ids).Exec(ctx)
}

// claim takes a key that nobody has, or whose time is over.
const claim = `INSERT INTO idempotency_keys (created_at, asker, operation, key, input, result) VALUES ($1, $2, $3, $4, $5, 'null')
	ON CONFLICT (asker, operation, key) DO UPDATE SET created_at = excluded.created_at, input = excluded.input
	WHERE idempotency_keys.created_at <= $6`

// repeat is what came of the request with the key.
func repeat(ctx context.Context, tx *orm.Tx, r Request, input string) ([]int, error) {
	done, err := tx.IdempotencyKey.Query().Where(r.is).Only(ctx)
	switch {
	case orm.IsNotFound(err): // forgotten just now
		return nil, fmt.Errorf("%w: %w", txn.ErrAgain, err)
	case err != nil:
		return nil, err
	case done.Input != input:
		return nil, &Reused{r.Operation, r.Key}
	}
	return done.Result, nil
}

// is chooses the row of the request's key.
func (r Request) is(s *sql.Selector) {
	s.Where(sql.And(sql.EQ(s.C(idempotencykey.FieldAsker), r.Asker),
		sql.EQ(s.C(idempotencykey.FieldOperation), r.Operation), sql.EQ(s.C(idempotencykey.FieldKey), r.Key)))
}

// fingerprint is the same for the same input: JSON writes the names of an object in order.
func fingerprint(input map[string]any) (string, error) {
	text, err := json.Marshal(input)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// batch is how many keys are forgotten by one statement, so that none takes long.
const batch = 1000

// Forget deletes the keys that are older at now than they are kept.
func (k Keys) Forget(ctx context.Context, db *orm.Client, now time.Time) error {
	ctx = entity.Service(ctx)
	for {
		old, err := db.IdempotencyKey.Query().Where(idempotencykey.CreatedAtLTE(booking.Instant(now).Add(-k.Keep))).Limit(batch).IDs(ctx)
		if err != nil || len(old) == 0 {
			return err
		}
		if _, err := db.IdempotencyKey.Delete().Where(idempotencykey.IDIn(old...)).Exec(ctx); err != nil {
			return err
		}
	}
}

// Sweep forgets keys now and then, until ctx is done. Many servers may.
func (k Keys) Sweep(ctx context.Context, db *orm.Client, clock func() time.Time, failed func(error)) {
	every := time.NewTicker(min(k.Keep, time.Hour))
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			if err := k.Forget(ctx, db, clock()); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
	}
}
