package txn_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/lib/pq"

	"docket/ent/orm"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/txn"
)

var errCut = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"the connection was cut":    {errCut, true},
		"nobody listens":            {&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, true},
		"the driver gave it up":     {driver.ErrBadConn, true},
		"it starts up":              {&pq.Error{Code: "57P03"}, true},
		"it shuts down":             {&pq.Error{Code: "57P01"}, true},
		"it refuses the connection": {&pq.Error{Code: "08004"}, true},
		"too many connections":      {&pq.Error{Code: "53300"}, true},
		"the disk is full":          {&pq.Error{Code: "53100"}, true},
		"it is a standby":           {&pq.Error{Code: "25006"}, true},
		"a deadlock":                {errLost, false},
		"a duplicate":               {&pq.Error{Code: "23505"}, false},
		"it was cancelled":          {&pq.Error{Code: "57014"}, false},
		"a bug":                     {&pq.Error{Code: "42601"}, false},
		"no row":                    {sql.ErrNoRows, false},
		"the request ended":         {context.DeadlineExceeded, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := txn.Unavailable(fmt.Errorf("somewhere: %w", test.err)); got != test.want {
				t.Errorf("%v: %v", test.err, got)
			}
		})
	}
}

// SQLite has no room where its file may not grow; then nothing is left of the
// transaction, and the next has all of it once there is room.
func TestDoWithoutRoom(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.SQLite)
	db.SetMaxOpenConns(1) // the limit is the connection's
	ctx, client := moment(t), db.ORM()
	limit := func(pages int) {
		_, err := db.ExecContext(ctx, fmt.Sprint("PRAGMA max_page_count = ", pages))
		must(t, err)
	}
	many := func() error {
		_, err := txn.Do(ctx, client, func(tx *orm.Tx) (int, error) {
			for range 1000 {
				if _, err := create(ctx, tx.Customer); err != nil {
					return 0, err
				}
			}
			return 0, nil
		})
		return err
	}
	limit(1) // or as many as there are
	if err := many(); !txn.Unavailable(err) || !errors.Is(err, txn.ErrUndone) {
		t.Errorf("without room: %v", err)
	}
	holds(t, db.DB, 0)
	limit(1 << 20)
	must(t, many())
	holds(t, db.DB, 1000)
}

// faulty is a driver that does not begin, or not commit, the first transactions.
type faulty struct {
	dialect.Driver
	begin, commit int
	begun         *int
}

func (f *faulty) Tx(ctx context.Context) (dialect.Tx, error) {
	*f.begun++
	if *f.begun <= f.begin {
		return nil, errCut
	}
	tx, err := f.Driver.Tx(ctx)
	return &faultyTx{tx, *f.begun-f.begin <= f.commit}, err
}

type faultyTx struct {
	dialect.Tx
	cut bool
}

func (f *faultyTx) Commit() error {
	err := f.Tx.Commit()
	if f.cut {
		return errors.Join(err, errCut)
	}
	return err
}

// What did not begin is tried again; what may have been committed is not.
func TestDoOnConnectionsThatDied(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		begin, commit int
		begun, rows   int
		lost, undone  bool
	}{
		"one was dead":      {begin: 1, begun: 2, rows: 1},
		"many were":         {begin: attempts - 1, begun: attempts, rows: 1},
		"it stays away":     {begin: 100, begun: attempts, lost: true, undone: true},
		"cut at the commit": {commit: 1, begun: 1, rows: 1, lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				ctx, begun := moment(t), 0
				client := orm.NewClient(orm.Driver(&faulty{entsql.OpenDB(db.Dialect, db.DB), test.begin, test.commit, &begun}))
				_, err := txn.Do(ctx, client, func(tx *orm.Tx) (int, error) { return create(ctx, tx.Customer) })
				if begun != test.begun || (err != nil) != test.lost || errors.Is(err, txn.ErrUndone) != test.undone {
					t.Errorf("begun %d times: %v", begun, err)
				}
				if txn.Unavailable(err) != test.lost || errors.Is(err, txn.ErrContention) {
					t.Errorf("not for what it is: %v", err)
				}
				holds(t, db.DB, test.rows)
			})
		})
	}
}
