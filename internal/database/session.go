package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
)

// What docket does needs sessions: statements are prepared, settings are set once,
// and migrations hold a lock, each for as long as a connection is open. A pooler
// that gives a connection to others between two transactions breaks that. pq even
// takes the rows of others for its own then, and nobody is told.

// ErrPooled says that a pooler does that.
var ErrPooled = errors.New("its connections change hands between transactions: a pooler shares them by transaction or by " +
	"statement, and answers would have the rows of others; have it share them by session (PgBouncer: pool_mode = session), or connect to PostgreSQL itself")

// session is what connects, and the settings that are set then. pq would send them
// when it connects, as part of what PgBouncer refuses where it does not know it.
func (c postgresConnector) session() (*pq.Connector, map[string]string, error) {
	config, err := pq.NewConfig(c.dsn)
	if err != nil {
		return nil, nil, err
	}
	settings := config.Runtime
	config.Runtime = nil
	connector, err := pq.NewConnectorConfig(config)
	return connector, settings, err
}

// set sets what holds until the connection ends, in one round trip.
func (c *lineConn) set(ctx context.Context, settings map[string]string) error {
	if len(settings) == 0 {
		return nil
	}
	var calls []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		calls = append(calls, fmt.Sprintf("set_config(%s, %s, false)", pq.QuoteLiteral(name), pq.QuoteLiteral(settings[name])))
	}
	_, err := c.ExecContext(ctx, "SELECT "+strings.Join(calls, ", "), nil)
	return err
}

// looks is how often it is looked whose a connection is. Where nobody else uses the
// pooler once is enough; where others do, they may by chance leave each look as it
// would be without one.
const looks = 25

// owned reports an error where connections change hands: two are open, and an idle
// one's process of PostgreSQL works for the other, or is another the next time.
func (db *DB) owned(ctx context.Context) error {
	if db.Dialect != dialect.Postgres {
		return nil
	}
	if db.Stats().MaxOpenConnections == 1 {
		return errors.New("two connections are needed to see whether they change hands")
	}
	idle, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = idle.Close() }()
	busy, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("a second connection: %w", err)
	}
	defer func() { _ = busy.Close() }()
	first, err := process(ctx, idle)
	for n := 0; n < looks && err == nil; n++ {
		err = look(ctx, idle, busy, first)
	}
	return err
}

// look has the busy connection begin a transaction, and asks both whose they are.
func look(ctx context.Context, idle, busy *sql.Conn, first int) error {
	if other, err := process(ctx, busy); err != nil || other == first {
		return errors.Join(err, changed(other == first))
	}
	tx, err := busy.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // which a replica also takes
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	other, err := process(ctx, tx)
	if err != nil || other == first { // asking the idle one might wait for it
		return errors.Join(err, changed(other == first))
	}
	for range 2 { // one that takes turns may come round to the same
		if now, err := process(ctx, idle); err != nil || now != first {
			return errors.Join(err, changed(err == nil))
		}
	}
	return nil
}

func changed(is bool) error {
	if is {
		return ErrPooled
	}
	return nil
}

// querier is a connection, or its transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// process is the one of PostgreSQL that works for a connection.
func process(ctx context.Context, on querier) (pid int, err error) {
	return pid, on.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&pid)
}
