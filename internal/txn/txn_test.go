package txn_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/lib/pq"

	"docket/ent/orm"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/txn"
	"docket/internal/viewer"
)

// attempts is how often Do tries.
const attempts = 8

var (
	errOwn  = errors.New("an error of the function")
	errLost = fmt.Errorf("somewhere: %w", &pq.Error{Code: "40P01", Message: "deadlock detected"})
)

// moment is a context in which rows can be written.
func moment(t *testing.T) context.Context {
	t.Helper()
	return booking.NewContext(viewer.NewContext(t.Context(), viewer.Local()), booking.Moment{Now: time.Date(2030, time.May, 6, 12, 0, 0, 0, time.UTC)})
}

// writer creates rows; it is a client or a transaction's.
type writer interface{ Create() *orm.CustomerCreate }

func create(ctx context.Context, customers writer) (int, error) {
	c, err := customers.Create().SetFirstName("Cleo").SetLastName("Client").Save(ctx)
	if err != nil {
		return 0, err
	}
	return c.ID, nil
}

// rename changes a row, and so locks it.
func rename(ctx context.Context, tx *orm.Tx, id int) error {
	return tx.Customer.UpdateOneID(id).SetFirstName("Clara").Exec(ctx)
}

// holds fails the test unless the database has n rows and no transaction is
// still open on one of its connections.
func holds(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	var got int
	must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM clients").Scan(&got))
	if got != n {
		t.Errorf("%d rows, want %d", got, n)
	}
	if open := db.Stats().InUse; open != 0 {
		t.Errorf("%d connections are in use", open)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDoCommits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, client := moment(t), db.ORM()
		id, err := txn.Do(ctx, client, func(tx *orm.Tx) (int, error) { return create(ctx, tx.Customer) })
		must(t, err)
		if only, err := client.Customer.Query().OnlyID(ctx); err != nil || only != id {
			t.Errorf("the row is %d: %v, want %d", only, err, id)
		}
		holds(t, db.DB, 1)
	})
}

func TestDoRollsBackAPanic(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := moment(t)
		func() {
			defer func() {
				if got := recover(); got != "oops" {
					t.Errorf("recovered %v, want the panic of the function", got)
				}
			}()
			_, _ = txn.Do(ctx, db.ORM(), func(tx *orm.Tx) (int, error) {
				_, err := create(ctx, tx.Customer)
				must(t, err)
				panic("oops")
			})
		}()
		holds(t, db.DB, 0)
	})
}

// What the function returns is rolled back; only what was lost is run again.
func TestDoTellsErrorsApart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err   error
		tries int
	}{
		"its own":                    {errOwn, 1},
		"a deadlock":                 {&pq.Error{Code: "40P01"}, attempts},
		"a serialization failure":    {&pq.Error{Code: "40001"}, attempts},
		"a wrapped deadlock":         {errLost, attempts},
		"an exclusion":               {&pq.Error{Code: "23P01"}, 1},
		"a duplicate":                {&pq.Error{Code: "23505"}, 1},
		"a query that was cancelled": {&pq.Error{Code: "57014"}, 1},
		"no row":                     {sql.ErrNoRows, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				ctx, tries := moment(t), 0
				_, err := txn.Do(ctx, db.ORM(), func(tx *orm.Tx) (int, error) {
					tries++
					_, err := create(ctx, tx.Customer)
					must(t, err)
					return 0, tt.err
				})
				if tries != tt.tries {
					t.Errorf("tried %d times, want %d", tries, tt.tries)
				}
				if !errors.Is(err, tt.err) || errors.Is(err, txn.ErrContention) != (tt.tries > 1) {
					t.Errorf("got %v, contention: %v", err, errors.Is(err, txn.ErrContention))
				}
				holds(t, db.DB, 0)
			})
		})
	}
}

func TestDoRunsAgainWhatLost(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, tries := moment(t), 0
		_, err := txn.Do(ctx, db.ORM(), func(tx *orm.Tx) (int, error) {
			id, err := create(ctx, tx.Customer)
			if tries++; tries < 3 {
				return 0, errLost
			}
			return id, err
		})
		must(t, err)
		if tries != 3 {
			t.Errorf("tried %d times, want 3", tries)
		}
		holds(t, db.DB, 1)
	})
}

// A transaction can lose as late as at its commit, or even before the database
// is asked to.
func TestDoRunsAgainACommitThatLost(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, tries := moment(t), 0
		_, err := txn.Do(ctx, db.ORM(), func(tx *orm.Tx) (int, error) {
			tries++
			tx.OnCommit(func(next orm.Committer) orm.Committer {
				return orm.CommitFunc(func(ctx context.Context, tx *orm.Tx) error {
					if tries < 3 {
						return errLost
					}
					return next.Commit(ctx, tx)
				})
			})
			return create(ctx, tx.Customer)
		})
		must(t, err)
		holds(t, db.DB, 1)
	})
}

// Two lock two rows in opposite orders, and wait for each other: PostgreSQL
// lets one of them lose, and it succeeds in the end.
func TestDoSurvivesADeadlock(t *testing.T) {
	t.Parallel()
	db := open(t, dbtest.URL(t, dialect.Postgres)+"&deadlock_timeout=20ms")
	ctx, client := moment(t), db.ORM()
	ids := [2]int{}
	for i := range ids {
		var err error
		ids[i], err = create(ctx, client.Customer)
		must(t, err)
	}
	var tries atomic.Int32
	var locked, done sync.WaitGroup
	locked.Add(2)
	for i := range ids {
		done.Go(func() {
			first := true
			_, err := txn.Do(ctx, client, func(tx *orm.Tx) (int, error) {
				tries.Add(1)
				if err := rename(ctx, tx, ids[i]); err != nil {
					return 0, err
				}
				if first {
					first = false
					locked.Done()
					locked.Wait()
				}
				return 0, rename(ctx, tx, ids[1-i])
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if tries.Load() < 3 {
		t.Errorf("%d tries: there was no deadlock", tries.Load())
	}
	holds(t, db.DB, 2)
}

func TestDoSurvivesASerializationFailure(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t, dialect.Postgres)
	db, other := open(t, url+"&default_transaction_isolation=repeatable%20read"), open(t, url)
	ctx, client := moment(t), db.ORM()
	id, err := create(ctx, client.Customer)
	must(t, err)
	tries := 0
	_, err = txn.Do(ctx, client, func(tx *orm.Tx) (int, error) {
		if _, err := tx.Customer.Get(ctx, id); err != nil {
			return 0, err
		}
		if tries++; tries == 1 {
			must(t, other.ORM().Customer.UpdateOneID(id).SetLastName("Between").Exec(ctx))
		}
		return 0, rename(ctx, tx, id)
	})
	must(t, err)
	got, err := client.Customer.Get(ctx, id)
	must(t, err)
	if tries != 2 || got.FirstName != "Clara" || got.LastName != "Between" {
		t.Errorf("after %d tries: %v", tries, got)
	}
}

// SQLite has one writer. Do waits for its turn although the driver does not.
func TestDoWaitsForTheWriter(t *testing.T) {
	t.Parallel()
	path := file(t)
	ctx := moment(t)
	writer, err := impatient(t, path, "immediate").BeginTx(ctx, nil) // has the write lock now
	must(t, err)
	db := impatient(t, path, "immediate")
	began := 0
	client := orm.NewClient(orm.Driver(&beginning{entsql.OpenDB(dialect.SQLite, db), func() {
		if began++; began == 3 {
			must(t, writer.Rollback())
		}
	}}))
	_, err = txn.Do(ctx, client, func(tx *orm.Tx) (int, error) { return create(ctx, tx.Customer) })
	must(t, err)
	if began != 3 {
		t.Errorf("began %d times, want 3", began)
	}
	holds(t, db, 1)
}

func TestDoGivesUp(t *testing.T) {
	t.Parallel()
	path := file(t)
	ctx := moment(t)
	writer, err := impatient(t, path, "immediate").BeginTx(ctx, nil)
	must(t, err)
	db := impatient(t, path, "immediate")
	began := 0
	client := orm.NewClient(orm.Driver(&beginning{entsql.OpenDB(dialect.SQLite, db), func() { began++ }}))
	_, err = txn.Do(ctx, client, func(*orm.Tx) (int, error) {
		t.Error("it ran, although another has the write lock")
		return 0, nil
	})
	if !errors.Is(err, txn.ErrContention) || !strings.Contains(err.Error(), "SQLITE_BUSY") || began != attempts {
		t.Errorf("got %v after %d tries, want contention after %d, and its cause", err, began, attempts)
	}
	must(t, writer.Rollback())
	holds(t, db, 0)
}

// A transaction that began by reading cannot write once another has written:
// SQLite says so in an extended code.
func TestDoRunsAgainWhatReadTooEarly(t *testing.T) {
	t.Parallel()
	path := file(t)
	ctx := moment(t)
	db, other := impatient(t, path, "deferred"), orm.NewClient(orm.Driver(entsql.OpenDB(dialect.SQLite, impatient(t, path, "immediate"))))
	tries := 0
	_, err := txn.Do(ctx, orm.NewClient(orm.Driver(entsql.OpenDB(dialect.SQLite, db))), func(tx *orm.Tx) (int, error) {
		if _, err := tx.Customer.Query().Count(ctx); err != nil {
			return 0, err
		}
		if tries++; tries == 1 {
			_, err := create(ctx, other.Customer)
			must(t, err)
		}
		return create(ctx, tx.Customer)
	})
	must(t, err)
	if tries != 2 {
		t.Errorf("tried %d times, want 2", tries)
	}
	holds(t, db, 2)
}

// The caller learns that its context ended, whatever was going on then.
func TestDoEndsWithItsContext(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do    func(cancel func(), try int) error // what the function does; nil: it waits for the rollback
		ended bool                               // before it begins
		tries int
	}{
		"before it began":        {func(func(), int) error { return nil }, true, 0},
		"and all is rolled back": {nil, false, 1},
		"before it committed":    {func(cancel func(), _ int) error { cancel(); return nil }, false, 1},
		"when it had lost":       {func(cancel func(), _ int) error { cancel(); return errLost }, false, 1},
		"when it lost again":     {lostAndCancelled(2), false, 2},
		"when it lost its last":  {lostAndCancelled(attempts - 1), false, attempts - 1},
		"with an error it shows": {func(cancel func(), _ int) error { cancel(); return context.Canceled }, false, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				ctx, cancel := context.WithCancel(moment(t))
				defer cancel()
				if tt.ended {
					cancel()
				}
				tries := 0
				_, err := txn.Do(ctx, db.ORM(), func(tx *orm.Tx) (int, error) {
					tries++
					if _, err := create(ctx, tx.Customer); err != nil {
						return 0, err
					}
					if tt.do != nil {
						return 0, tt.do(cancel, tries)
					}
					cancel()
					for db.Stats().InUse > 0 {
						runtime.Gosched()
					}
					return 0, nil
				})
				if !errors.Is(err, context.Canceled) || tries != tt.tries {
					t.Errorf("got %v after %d tries, want that the context ended after %d", err, tries, tt.tries)
				}
				holds(t, db.DB, 0)
			})
		})
	}
}

// lostAndCancelled loses every time, and ends the context at the nth.
func lostAndCancelled(n int) func(cancel func(), try int) error {
	return func(cancel func(), try int) error {
		if try == n {
			cancel()
		}
		return errLost
	}
}

// Do does not wait past a deadline: all its waits take longer than this one.
func TestDoEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithTimeout(moment(t), 60*time.Millisecond)
		defer cancel()
		_, err := txn.Do(ctx, db.ORM(), func(*orm.Tx) (int, error) { return 0, errLost })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want that the deadline passed", err)
		}
	})
}

func open(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(url)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// file is the path of a new SQLite database.
func file(t *testing.T) string {
	t.Helper()
	return strings.TrimPrefix(dbtest.URL(t, dialect.SQLite), "sqlite://")
}

// impatient opens a SQLite file so that a lock it cannot have is an error at once.
func impatient(t *testing.T, path, begin string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(0)&_time_format=sqlite&_timezone=UTC&_txlock="+begin)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// beginning is a driver that tells when a transaction is about to begin.
type beginning struct {
	dialect.Driver
	tell func()
}

func (d *beginning) Tx(ctx context.Context) (dialect.Tx, error) {
	d.tell()
	return d.Driver.Tx(ctx)
}
