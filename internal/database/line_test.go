package database_test

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/dbtest"
)

// silent is a network that carries what it is given until it goes silent: then
// nothing passes, and nobody is told. Or it cuts the next connections that are used.
type silent struct {
	gone atomic.Bool
	cuts atomic.Int32
}

// network puts a silent one before the database of a URL.
func network(t *testing.T, rawURL string) (*silent, string) {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	n, socket := &silent{}, u.Query().Get("host")+"/.s.PGSQL.5432"
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", socket) //nolint:noctx // it is there
			if err != nil {
				return
			}
			go n.carry(client, server)
			go n.carry(server, client)
		}
	}()
	return n, "postgres://postgres@" + l.Addr().String() + u.Path + "?sslmode=disable"
}

func (n *silent) carry(from io.ReadCloser, to io.WriteCloser) {
	defer to.Close()
	packet := make([]byte, 1<<16)
	for {
		size, err := from.Read(packet)
		if err != nil {
			return
		}
		if n.gone.Load() {
			continue
		}
		if client, ok := from.(*net.TCPConn); ok && n.cuts.Add(-1) >= 0 {
			_ = client.SetLinger(0)
			_ = client.Close()
			return
		}
		if _, err := to.Write(packet[:size]); err != nil {
			return
		}
	}
}

// A request ends when it has to, though nothing comes back from PostgreSQL; and
// the connections that waited for it do not stay in the pool.
func TestRequestsEndOnASilentNetwork(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]func(ctx context.Context, db *database.DB, gone func()) error{
		"a transaction begins": func(ctx context.Context, db *database.DB, gone func()) error {
			gone()
			_, err := db.BeginTx(ctx, nil)
			return err
		},
		"a transaction commits": func(ctx context.Context, db *database.DB, gone func()) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			gone()
			return tx.Commit()
		},
		"a statement runs": func(ctx context.Context, db *database.DB, gone func()) error {
			gone()
			_, err := db.ExecContext(ctx, "SELECT 1")
			return err
		},
		"a prepared statement runs": func(ctx context.Context, db *database.DB, gone func()) error {
			reads := db.Reads()
			read := func() error {
				rows, err := reads.QueryContext(ctx, "SELECT 1 WHERE $1", true)
				if err != nil {
					return err
				}
				return rows.Close()
			}
			if err := read(); err != nil {
				return err
			}
			gone()
			return read()
		},
		"a connection is made": func(ctx context.Context, db *database.DB, gone func()) error {
			gone()
			db.SetMaxIdleConns(0)
			return db.PingContext(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, through := network(t, dbtest.URL(t, dialect.Postgres))
			db, err := database.Open(through)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.PingContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- work(ctx, db, func() { n.gone.Store(true) }) }()
			select {
			case err := <-ended:
				if err == nil {
					t.Error("it worked, through a silent network")
				}
			case <-time.After(4500 * time.Millisecond): // below what connecting alone may take
				t.Fatal("it waits on")
			}
			n.gone.Store(false)
			works(t, db.DB)
		})
	}
}

// A read is answered although the connections that it finds are cut as it uses
// them; a write is not asked for twice.
func TestReadsOutliveConnections(t *testing.T) {
	t.Parallel()
	n, through := network(t, dbtest.URL(t, dialect.Postgres))
	db := open(t, through)
	works(t, db.DB)
	n.cuts.Store(2)
	rows, err := db.Reads().QueryContext(t.Context(), "SELECT 1 WHERE $1", true)
	if err != nil {
		t.Fatal(err)
	}
	must(t, rows.Close())
	n.cuts.Store(1)
	if _, err := db.ExecContext(t.Context(), "INSERT INTO clients VALUES (1)"); err == nil || strings.Contains(err.Error(), "pq:") {
		t.Errorf("the write came to %v, want that its connection was cut", err)
	}
}

// works fails the test unless every connection of the pool does.
func works(t *testing.T, db *sql.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range db.Stats().MaxOpenConnections {
		conn, err := db.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, "SELECT 1"); err != nil {
			t.Error(err)
		}
	}
}

// A connection that was about to be given up for one request works on for the
// next.
func TestAConnectionOutlivesItsRequest(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dialect.Postgres)
	db.SetMaxOpenConns(1)
	pid := func(ctx context.Context) (pid int) {
		if err := db.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := pid(ctx)
	cancel()
	if _, err := db.ExecContext(t.Context(), "SELECT pg_sleep(2.5)"); err != nil { // longer than the grace
		t.Error(err)
	}
	if second := pid(t.Context()); second != first {
		t.Errorf("the connection is %d, and was %d", second, first)
	}
}
