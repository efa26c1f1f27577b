package profiler

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
)

// explainTimeout is how long a statement may run that is explained.
const explainTimeout = 5 * time.Second

// Explainable reports whether a database could tell how it does the statement.
func (s *statement) Explainable() bool {
	first, _, _ := strings.Cut(strings.TrimLeft(s.Text, " \n\t("), " ")
	switch strings.ToUpper(first) {
	case "SELECT", "WITH", "INSERT", "UPDATE", "DELETE":
		return !s.Cut
	}
	return false
}

// explainer asks a database how it does statements, one at a time.
type explainer struct {
	db      *sql.DB
	dialect string
	turn    chan struct{}
}

// explain tells how the database does the statement, in its own words. Nothing is
// changed by it.
func (e *explainer) explain(ctx context.Context, s *statement) (plan string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*explainTimeout)
	defer cancel()
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if e.dialect == dialect.SQLite {
		return e.sqlite(ctx, s)
	}
	plan, err = e.postgres(ctx, s, "EXPLAIN (ANALYZE, BUFFERS)")
	var refused *pq.Error
	if errors.As(err, &refused) && refused.Code == "25006" { // read_only_sql_transaction: it would write, or lock
		plan, err = e.postgres(ctx, s, "EXPLAIN")
		plan = "-- It writes or locks, so it is not run: these are estimates.\n" + plan
	}
	return plan, err
}

// postgres explains in a transaction that cannot write and is rolled back. The
// statement is prepared first, as package database has it prepared: its plan is
// then the one that docket's requests have, for any arguments. And what is
// prepared by the protocol is one statement, whatever its text holds.
func (e *explainer) postgres(ctx context.Context, s *statement, how string) (plan string, err error) {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return "", err
	}
	defer func() { // what is prepared outlasts its transaction
		err = errors.Join(err, tx.Rollback())
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "DEALLOCATE docket_explained")
	}()
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("SET LOCAL statement_timeout = %d", explainTimeout.Milliseconds())); err != nil {
		return "", err
	}
	if err := prepare(ctx, tx, "PREPARE docket_explained AS "+s.Text); err != nil {
		return "", err
	}
	execute := how + " EXECUTE docket_explained" //nolint:gosec // G202: EXECUTE takes no arguments but literals
	if len(s.Args) > 0 {
		execute += "(" + literals(s.Args) + ")"
	}
	rows, err := tx.QueryContext(ctx, execute)
	if err != nil {
		return "", err
	}
	return lines(rows)
}

func prepare(ctx context.Context, tx *sql.Tx, text string) (err error) {
	prepared, err := tx.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, prepared.Close()) }()
	_, err = prepared.ExecContext(ctx)
	return err
}

// literals are values as EXECUTE takes them: it knows their types.
func literals(args []any) string {
	all := make([]string, len(args))
	for i, v := range args {
		switch v := v.(type) {
		case nil:
			all[i] = "NULL"
		case []byte:
			all[i] = pq.QuoteLiteral(`\x` + fmt.Sprintf("%x", v))
		case time.Time:
			all[i] = pq.QuoteLiteral(v.Format(time.RFC3339Nano))
		default:
			all[i] = pq.QuoteLiteral(fmt.Sprint(v))
		}
	}
	return strings.Join(all, ", ")
}

func lines(rows *sql.Rows) (text string, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", err
		}
		all = append(all, line)
	}
	return strings.Join(all, "\n"), rows.Err()
}

// sqlite explains on a connection that cannot write: a text may hold more than the
// one statement that is explained.
func (e *explainer) sqlite(ctx context.Context, s *statement) (plan string, err error) {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only = ON"); err != nil {
		return "", err
	}
	defer func() {
		_, off := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only = OFF")
		err = errors.Join(err, off)
	}()
	rows, err := conn.QueryContext(ctx, "EXPLAIN QUERY PLAN "+s.Text, s.Args...)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var out strings.Builder
	depth := map[int]int{}
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return "", err
		}
		depth[id] = depth[parent] + 1
		fmt.Fprintf(&out, "%s%s\n", strings.Repeat("   ", depth[id]-1), detail)
	}
	return out.String(), rows.Err()
}
