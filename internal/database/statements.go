package database

import (
	"context"
	"database/sql"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxPrepared is how many statements are kept prepared, on each connection that
// used them.
const maxPrepared = 256

// maxText is how long a statement is kept at most, in bytes. What a connection
// of PostgreSQL needs for one is in proportion to its text; the longest that a
// page of an application asks for has some 1,500.
const maxText = 8 << 10

// Statements reads and writes with prepared statements: what was asked before is
// neither parsed nor planned again, and is one round trip where it was two. Those
// not used for long are closed; those that a migration has made [Stale] are run again.
type Statements struct {
	db       *sql.DB
	mu       sync.Mutex
	prepared *lru.Cache[string, *statement]
}

// statement is closed when it is neither kept nor in use.
type statement struct {
	*sql.Stmt
	uses int // being kept counts as one
}

func prepares(db *sql.DB) *Statements {
	s := &Statements{db: db}
	// Fails only for a size below 1. The cache is used under the lock alone.
	s.prepared, _ = lru.NewWithEvict(maxPrepared, func(_ string, st *statement) { s.release(st) })
	return s
}

// QueryContext runs a query, as [sql.DB.QueryContext] does.
func (s *Statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if len(query) > maxText {
		return s.db.QueryContext(ctx, query, args...)
	}
	st, err := s.acquire(ctx, query)
	if err != nil {
		return nil, err
	}
	defer s.done(st)
	rows, err := st.QueryContext(ctx, args...)
	if s.noticed(err) {
		return s.db.QueryContext(ctx, query, args...)
	}
	return rows, err
}

// ExecContext runs a statement, as [sql.DB.ExecContext] does.
func (s *Statements) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if len(query) > maxText || len(args) == 0 {
		return s.db.ExecContext(ctx, query, args...)
	}
	st, err := s.acquire(ctx, query)
	if err != nil {
		return nil, err
	}
	defer s.done(st)
	result, err := st.ExecContext(ctx, args...)
	if s.noticed(err) {
		return s.db.ExecContext(ctx, query, args...)
	}
	return result, err
}

// acquire returns the prepared query, for the caller to release.
func (s *Statements) acquire(ctx context.Context, query string) (*statement, error) {
	if st := s.kept(query); st != nil {
		return st, nil
	}
	stmt, err := s.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	st := &statement{Stmt: stmt, uses: 1}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared.Contains(query) { // by somebody else meanwhile
		return st, nil
	}
	st.uses++
	s.prepared.Add(query, st)
	return st, nil
}

// kept returns the prepared query, for the caller to say when it is done with
// it; nil where it is not prepared.
func (s *Statements) kept(query string) *statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.prepared.Get(query)
	if !ok {
		return nil
	}
	st.uses++
	return st
}

func (s *Statements) done(st *statement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release(st)
}

// release ends one use, under the lock. What is read with the statement stays
// open: package sql closes it with the last of its rows.
func (s *Statements) release(st *statement) {
	if st.uses--; st.uses == 0 {
		_ = st.Close() // on the connections that are busy, when they are free
	}
}
