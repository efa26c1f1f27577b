package txn

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrUndone says that nothing was changed: the database went away, or had no
// room, before it was asked to commit. Without it, a transaction that ended
// with an error for which [Unavailable] is true may have been committed.
var ErrUndone = errors.New("nothing was changed")

// Ended reports whether err says that the request ended, which stops its SQL.
func Ended(err error) bool {
	var pg *pq.Error
	var lite *sqlite.Error
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &pg) && pg.Code == "57014" || errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_INTERRUPT
}

// Unavailable reports whether the database is to blame for err, and not what it
// was asked: it cannot be reached, went away, or cannot write now.
func Unavailable(err error) bool {
	var pg *pq.Error
	if errors.As(err, &pg) {
		standby := errors.Is(err, errBegin) && pg.Code == "0A000" // which begins nothing that may write, after a failover
		return standby || slices.Contains(outClasses, string(pg.Code.Class())) || slices.Contains(outCodes, string(pg.Code))
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return slices.Contains(outSQLite, lite.Code()&0xff)
	}
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// What PostgreSQL and SQLite say then.
var (
	outClasses = []string{
		"08", // connection exception
		"53", // insufficient resources: disk full, out of memory, too many connections
	}
	outCodes = []string{
		"25006",                            // read only: a standby, after a failover
		"57P01", "57P02", "57P03", "57P05", // it shuts down, crashed, starts up, or waited too long
		"58030", // I/O error
	}
	outSQLite = []int{
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL,
	}
)

// undone marks an error of a transaction that was not asked to commit.
func undone(err error) error {
	if Unavailable(err) {
		return fmt.Errorf("%w: %w", ErrUndone, err)
	}
	return err
}
