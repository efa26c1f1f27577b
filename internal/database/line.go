package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/lib/pq"
)

// grace is how long PostgreSQL has to answer after a request has ended, and pq
// has asked it to stop. Then the network is to blame, and the connection ends.
const grace = 2 * time.Second

// postgresConnector opens connections that do not outlast the requests they work
// for. pq asks PostgreSQL to stop when a request ends, and waits for the answer;
// on a network that has gone silent there is none, and the request, and with it a
// connection of the pool, would wait for as long as the silence lasts.
type postgresConnector struct{ dsn string }

func (c postgresConnector) Driver() driver.Driver { return &pq.Driver{} }

func (c postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	connector, settings, err := c.session()
	if err != nil {
		return nil, err
	}
	l := &line{}
	connector.Dialer(l)
	keep := context.AfterFunc(ctx, l.cut) // pq heeds ctx only until it has dialled
	opened, err := connector.Connect(ctx)
	if !keep() || err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	conn, ok := opened.(pqConn)
	if !ok {
		return nil, fmt.Errorf("a connection of pq is %T, which lacks methods", opened)
	}
	l.up = true
	session := &lineConn{pqConn: conn, line: l}
	if err := session.set(ctx, settings); err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return session, nil
}

// pqConn is what a connection of pq can do.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.Tx // the one that it has begun
}

// lineConn tells the line for which request it works, each time it is told.
type lineConn struct {
	pqConn
	line *line
}

func (c *lineConn) ResetSession(ctx context.Context) error {
	c.line.worksFor(ctx)
	return c.pqConn.ResetSession(ctx)
}

func (c *lineConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.line.worksFor(ctx)
	return c.pqConn.PrepareContext(ctx, query)
}

func (c *lineConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.line.worksFor(ctx)
	return c.pqConn.ExecContext(ctx, query, args)
}

func (c *lineConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.line.worksFor(ctx)
	return c.pqConn.QueryContext(ctx, query, args)
}

func (c *lineConn) Ping(ctx context.Context) error {
	c.line.worksFor(ctx)
	return c.pqConn.Ping(ctx)
}

// IsValid is asked when the connection goes back to the pool.
func (c *lineConn) IsValid() bool {
	c.line.worksFor(context.Background())
	return c.pqConn.IsValid()
}

// line is the network of one connection.
type line struct {
	wire net.Conn
	up   bool // any later wire carries only a request to stop

	mu     sync.Mutex
	ended  <-chan struct{} // of the request that it works for
	forget func() bool
	ending bool // the wire has a deadline
}

// worksFor ends the work for any request before.
func (l *line) worksFor(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == ctx.Done() {
		return
	}
	if l.forget != nil {
		l.forget()
	}
	if l.ending {
		l.ending = l.wire.SetDeadline(time.Time{}) != nil
	}
	l.ended, l.forget = ctx.Done(), nil
	if ended := l.ended; ended != nil {
		l.forget = context.AfterFunc(ctx, func() { l.hangUp(ended) })
	}
}

// hangUp gives the wire a last deadline, unless it works for another request.
func (l *line) hangUp(ended <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == ended {
		l.ending = l.wire.SetDeadline(time.Now().Add(grace)) == nil
	}
}

// DialContext is called by pq.
func (l *line) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	wire, err := (&net.Dialer{}).DialContext(ctx, network, address)
	switch {
	case err != nil:
		return nil, err
	case l.up: // a statement does not end before the request to stop it has
		time.AfterFunc(grace, func() { _ = wire.Close() })
	default:
		l.mu.Lock()
		l.wire = wire
		l.mu.Unlock()
	}
	if ctx.Err() != nil { // and cut came too early for this wire
		_ = wire.Close()
	}
	return wire, nil
}

// cut ends the wire at once.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wire != nil {
		_ = l.wire.Close()
	}
}

// Dial is what pq asks of every dialer, and does not call for one with contexts.
func (l *line) Dial(network, address string) (net.Conn, error) {
	return l.DialContext(context.Background(), network, address)
}

// DialTimeout is as Dial.
func (l *line) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return l.DialContext(ctx, network, address)
}
