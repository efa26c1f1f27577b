package database_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"docket/ent/entity"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
)

// witness notes what it is told: a line for each statement, when it has ended.
type witness struct {
	mu    sync.Mutex
	begun int
	lines []string
}

func (w *witness) Statement(_ context.Context, text string, args []driver.NamedValue) func(rows int64, err error) {
	if text == "SELECT 'unseen'" {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun++
	return func(rows int64, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		line := fmt.Sprintf("%s (%d) %d", strings.Join(strings.Fields(text), " "), len(args), rows)
		if err != nil {
			line += " failed"
		}
		w.lines = append(w.lines, line)
	}
}

// taken are the lines since the last time; all that began must have ended.
func (w *witness) taken(t *testing.T) []string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begun != len(w.lines) {
		t.Errorf("%d statements began, %d ended: %q", w.begun, len(w.lines), w.lines)
	}
	lines := w.lines
	w.begun, w.lines = 0, nil
	return lines
}

func TestStatementsAreObserved(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			saw, too := &witness{}, &witness{}
			db, err := database.Open(dbtest.URL(t, name), saw, too)
			must(t, err)
			defer func() { must(t, db.Close()) }()
			ctx := t.Context()
			read := func(query string, args ...any) {
				rows, err := db.Reads().QueryContext(ctx, query, args...)
				if err != nil {
					return
				}
				defer func() { must(t, rows.Close()) }()
				for rows.Next() {
					_ = rows.Scan(new(any))
				}
			}
			for _, step := range []struct {
				do   func()
				want []string
			}{
				{func() { must(t, db.PingContext(ctx)) }, []string{"CONNECT (0) 0"}},
				{func() { must(t, db.PingContext(ctx)) }, nil},
				{func() { read("SELECT $1 UNION ALL SELECT 'b'", "a") }, []string{"PREPARE SELECT $1 UNION ALL SELECT 'b' (0) 0", "SELECT $1 UNION ALL SELECT 'b' (1) 2"}},
				{func() { read("SELECT $1 UNION ALL SELECT 'b'", "a") }, []string{"SELECT $1 UNION ALL SELECT 'b' (1) 2"}},
				{func() { read("SELECT nothing") }, []string{"PREPARE SELECT nothing (0) 0 failed"}},
				{func() { read("SELECT 'unseen'") }, []string{"PREPARE SELECT 'unseen' (0) 0"}},
				{func() {
					tx, err := db.BeginTx(ctx, nil)
					must(t, err)
					_, err = tx.ExecContext(ctx, "CREATE TABLE notes (body text)")
					must(t, err)
					_, err = tx.ExecContext(ctx, "INSERT INTO notes VALUES ($1), ($2)", "a", "b")
					must(t, err)
					must(t, tx.Commit())
				}, []string{"BEGIN (0) 0", "CREATE TABLE notes (body text) (0) 0", "INSERT INTO notes VALUES ($1), ($2) (2) 2", "COMMIT (0) 0"}},
				{func() {
					tx, err := db.BeginTx(ctx, nil)
					must(t, err)
					rows, err := tx.QueryContext(ctx, "SELECT body FROM notes")
					must(t, err)
					rows.Next() // and no more
					must(t, rows.Close())
					must(t, rows.Err())
					must(t, tx.Rollback())
				}, []string{"BEGIN (0) 0", "SELECT body FROM notes (0) 1", "ROLLBACK (0) 0"}},
			} {
				step.do()
				if got := saw.taken(t); !slices.Equal(got, step.want) {
					t.Errorf("saw %q, want %q", got, step.want)
				}
				if got := too.taken(t); !slices.Equal(got, step.want) {
					t.Errorf("the second saw %q, want %q", got, step.want)
				}
			}
		})
	}
}

// The ORM works as it does unobserved, and is observed in transactions too.
func TestTheORMIsObserved(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			saw := &witness{}
			db, err := database.Open(dbtest.URL(t, name), saw)
			must(t, err)
			defer func() { must(t, db.Close()) }()
			ctx := booking.NewContext(entity.Service(t.Context()), booking.Moment{})
			tx, err := db.ORM().Tx(ctx)
			must(t, err)
			made, err := tx.Provider.Create().SetFirstName("Pia").SetLastName("Provider").Save(ctx)
			must(t, err)
			must(t, tx.Commit())
			_, err = db.ORM().Provider.Get(ctx, made.ID)
			must(t, err)
			lines := saw.taken(t)
			for i, want := range []string{"CONNECT", "BEGIN", "INSERT INTO", "COMMIT", "PREPARE", "PREPARE", "SELECT"} {
				if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
					t.Fatalf("saw %q, want one that begins with %s at %d", lines, want, i)
				}
			}
		})
	}
}
