package txn_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lib/pq"

	"docket/ent/orm"
	"docket/internal/dbtest"
	"docket/internal/txn"
)

// Whoever watches is told why a transaction is run again, and of nothing else.
func TestWatch(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, "sqlite").ORM()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"deadlock":      {errLost, "deadlock"},
		"serialization": {&pq.Error{Code: "40001"}, "serialization"},
		"changed":       {txn.ErrAgain, "changed"},
		"its own":       {errOwn, ""},
		"well":          {nil, ""},
	} {
		var told []string
		ctx, tries := txn.Watch(t.Context(), func(_ context.Context, cause string) { told = append(told, cause) }), 0
		_, err := txn.Do(ctx, db, func(*orm.Tx) (int, error) {
			if tries++; tries == 1 {
				return 0, test.err
			}
			return 0, nil
		})
		if got := strings.Join(told, " "); got != test.want || err != nil && !errors.Is(err, errOwn) {
			t.Errorf("%s: told %q, want %q (%v)", name, got, test.want, err)
		}
	}
}
