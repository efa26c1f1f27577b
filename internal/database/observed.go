package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
)

// Observer is told of each statement that a database is sent, in the terms of
// the driver, below pools and whoever prepares: what it sees is a round trip each.
type Observer interface {
	// Statement is called before a statement is sent. CONNECT, of each connection
	// before it is used, BEGIN, COMMIT and ROLLBACK are some, too, and PREPARE
	// before the text of one that is prepared. What it returns is called once, when the whole answer has been read, with the rows
	// that it had or changed and with what went wrong; nil passes over it.
	Statement(ctx context.Context, text string, args []driver.NamedValue) func(rows int64, err error)
}

// observers are all told.
type observers []Observer

func (all observers) Statement(ctx context.Context, text string, args []driver.NamedValue) func(rows int64, err error) {
	var ends []func(int64, error)
	for _, o := range all {
		if end := o.Statement(ctx, text, args); end != nil {
			ends = append(ends, end)
		}
	}
	if len(ends) == 0 {
		return nil
	}
	return func(rows int64, err error) {
		for _, end := range ends {
			end(rows, err)
		}
	}
}

// observed opens connections whose statements are observed. Without observers
// there is none, so that they cost nothing.
func observed(c driver.Connector, all observers) driver.Connector {
	switch len(all) {
	case 0:
		return c
	case 1:
		return observedConnector{c, all[0]}
	}
	return observedConnector{c, all}
}

type observedConnector struct {
	driver.Connector
	observer Observer
}

func (c observedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	end := begin(ctx, c.observer, "CONNECT", nil)
	opened, err := c.Connector.Connect(ctx)
	end(0, err)
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(observable)
	if !ok {
		return nil, errors.Join(errors.New("this driver cannot be observed: its connections lack methods"), opened.Close())
	}
	return &observedConn{observable: conn, observer: c.observer}, nil
}

// observable is what both drivers can do.
type observable interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type observedConn struct {
	observable
	observer Observer
	began    context.Context //nolint:containedctx // driver.Tx's methods take none
	tx       driver.Tx
}

// begin tells the observer, and returns something to call at the end.
func begin(ctx context.Context, o Observer, text string, args []driver.NamedValue) func(rows int64, err error) {
	if end := o.Statement(ctx, text, args); end != nil {
		return end
	}
	return passed
}

func passed(int64, error) {}

func (c *observedConn) begin(ctx context.Context, text string, args []driver.NamedValue) func(rows int64, err error) {
	return begin(ctx, c.observer, text, args)
}

// CheckNamedValue leaves a value to package sql where the driver does.
func (c *observedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.observable.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *observedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	end := c.begin(ctx, "BEGIN", nil)
	tx, err := c.observable.BeginTx(ctx, o)
	end(0, err)
	if err != nil {
		return nil, err
	}
	c.began, c.tx = ctx, tx
	return c, nil
}

// Commit commits the transaction that the connection has begun.
func (c *observedConn) Commit() error { return c.end("COMMIT", c.tx.Commit) }

// Rollback rolls it back.
func (c *observedConn) Rollback() error { return c.end("ROLLBACK", c.tx.Rollback) }

func (c *observedConn) end(text string, do func() error) error {
	end := c.begin(c.began, text, nil)
	err := do()
	end(0, err)
	return err
}

func (c *observedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	end := c.begin(ctx, query, args)
	result, err := c.observable.ExecContext(ctx, query, args)
	end(affected(result, err), err)
	return result, err
}

func (c *observedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	end := c.begin(ctx, query, args)
	rows, err := c.observable.QueryContext(ctx, query, args)
	return counted(rows, err, end)
}

func (c *observedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	end := c.begin(ctx, "PREPARE "+query, nil)
	prepared, err := c.observable.PrepareContext(ctx, query)
	end(0, err)
	if err != nil {
		return nil, err
	}
	s, ok := prepared.(preparedStmt)
	if !ok {
		return nil, errors.Join(errors.New("this driver cannot be observed: its statements lack methods"), prepared.Close())
	}
	return &observedStmt{s, c, query}, nil
}

type preparedStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type observedStmt struct {
	preparedStmt
	conn *observedConn
	text string
}

func (s *observedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	end := s.conn.begin(ctx, s.text, args)
	result, err := s.preparedStmt.ExecContext(ctx, args)
	end(affected(result, err), err)
	return result, err
}

func (s *observedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	end := s.conn.begin(ctx, s.text, args)
	rows, err := s.preparedStmt.QueryContext(ctx, args)
	return counted(rows, err, end)
}

// affected is how many rows a statement changed, where the driver tells it.
func affected(r driver.Result, err error) int64 {
	if err != nil || r == nil {
		return 0
	}
	n, _ := r.RowsAffected()
	return n
}

// counted tells at their end how many rows were read.
func counted(rows driver.Rows, err error, end func(int64, error)) (driver.Rows, error) {
	if err != nil {
		end(0, err)
		return nil, err
	}
	return &countedRows{Rows: rows, end: end}, nil
}

type countedRows struct {
	driver.Rows
	end  func(int64, error)
	read int64
	err  error
}

func (r *countedRows) Next(to []driver.Value) error {
	err := r.Rows.Next(to)
	switch {
	case err == nil:
		r.read++
	case !errors.Is(err, io.EOF):
		r.err = err
	}
	return err
}

// Close is called once, whether or not all rows were read.
func (r *countedRows) Close() error {
	err := r.Rows.Close()
	r.end(r.read, errors.Join(r.err, err))
	return err
}
