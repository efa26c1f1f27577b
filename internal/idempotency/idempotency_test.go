package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"docket/ent/entity"
	"docket/ent/orm"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/idempotency"
	"docket/internal/txn"
	"docket/internal/viewer"
)

var (
	noon = time.Date(2030, time.May, 6, 12, 0, 0, 0, time.UTC)
	keys = idempotency.Keys{Keep: time.Hour}
)

// once does a request in a transaction of its own, and says whether it was done.
func once(ctx context.Context, db *orm.Client, r idempotency.Request, ids ...int) (got []int, done bool, err error) {
	got, err = txn.Do(ctx, db, func(tx *orm.Tx) ([]int, error) {
		return keys.Once(ctx, tx, r, func() ([]int, error) { done = true; return ids, nil })
	})
	return got, done, err
}

// A key is its asker's and its operation's.
func TestKeysOfOthers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: noon})
		client := db.ORM()
		for i, r := range []idempotency.Request{
			{Asker: "", Operation: "clientCreate", Key: "k"},
			{Asker: "ada", Operation: "clientCreate", Key: "k"},
			{Asker: "ben", Operation: "clientCreate", Key: "k"},
			{Asker: "ada", Operation: "clientDelete", Key: "k"},
			{Asker: "ada", Operation: "clientCreate", Key: "K"},
			{Asker: "ada", Operation: "clientCreate", Key: "k "},
		} {
			for again := range 2 {
				got, done, err := once(ctx, client, r, i, i+1)
				if err != nil || !slices.Equal(got, []int{i, i + 1}) || done != (again == 0) {
					t.Errorf("%+v: got %v, done %t: %v", r, got, done, err)
				}
			}
		}
	})
}

// What leads to no rows is remembered as well.
func TestNoRows(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: noon})
		client := db.ORM()
		for again := range 2 {
			if got, done, err := once(ctx, client, idempotency.Request{Operation: "o", Key: "k"}); err != nil || len(got) > 0 || done != (again == 0) {
				t.Errorf("got %v, done %t: %v", got, done, err)
			}
		}
	})
}

// A key whose request failed is as if it had never been used.
func TestAFailureLeavesNoKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: noon})
		client, failed := db.ORM(), errors.New("failed")
		r := idempotency.Request{Operation: "o", Key: "k", Input: map[string]any{"a": 1}}
		_, err := txn.Do(ctx, client, func(tx *orm.Tx) ([]int, error) {
			return keys.Once(ctx, tx, r, func() ([]int, error) { return nil, failed })
		})
		if !errors.Is(err, failed) {
			t.Errorf("got %v", err)
		}
		r.Input = map[string]any{"a": 2}
		if got, done, err := once(ctx, client, r, 7); err != nil || !done || !slices.Equal(got, []int{7}) {
			t.Errorf("got %v, done %t: %v", got, done, err)
		}
	})
}

// More keys are forgotten than one statement deletes.
func TestForgetMany(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		client := db.ORM()
		for from := range 3 {
			err := client.IdempotencyKey.MapCreateBulk(make([]struct{}, 750), func(c *orm.IdempotencyKeyCreate, i int) {
				c.SetCreatedAt(noon.Add(time.Duration(from) * time.Minute)).SetAsker("").SetOperation("o").
					SetKey(fmt.Sprint(from, " ", i)).SetInput("").SetResult(nil)
			}).Exec(entity.Service(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
		}
		for now, want := range []int{1500, 750, 0} {
			if err := keys.Forget(t.Context(), client, noon.Add(time.Hour+time.Duration(now)*time.Minute)); err != nil {
				t.Fatal(err)
			}
			if left, err := client.IdempotencyKey.Query().Count(entity.Service(t.Context())); err != nil || left != want {
				t.Errorf("%d are left, not %d: %v", left, want, err)
			}
		}
	})
}
