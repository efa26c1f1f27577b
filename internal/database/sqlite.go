package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// patience is how long a connection to a file may take that others are making
// what it is to be: to switch it to its write-ahead log, SQLite itself waits for
// nobody.
const patience = 10 * time.Second

// sqliteConnector opens connections to a file.
type sqliteConnector struct {
	driver driver.Driver
	dsn    string
}

func (c sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	for end := time.Now().Add(patience); ; {
		conn, err := c.driver.Open(c.dsn)
		var lite *sqlite.Error
		if !errors.As(err, &lite) || lite.Code()&0xff != sqlite3.SQLITE_BUSY || time.Now().After(end) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (c sqliteConnector) Driver() driver.Driver { return c.driver }
