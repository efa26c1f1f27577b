package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"docket/gql"
	"docket/internal/config"
	"docket/internal/database"
	"docket/internal/demo"
	"docket/internal/idempotency"
	"docket/internal/migration"
	"docket/internal/server"
)

type serveCommand struct {
	config.Server `embed:""`
	Demo          bool `help:"Fill an empty database with people, slots and reservations to play with."`
}

// garbage is how much a heap may grow before it is collected, in percent of what
// is alive: little is, a few MB, and each answer is garbage once it is sent.
const garbage = 400

// memory is from where on garbage is collected sooner, in bytes: many requests of
// the largest size at once would leave five times what they hold.
const memory = 384 << 20

// Run serves until ctx is done; the database closes last.
func (c serveCommand) Run(ctx context.Context, out io.Writer) (err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	told, err := c.telemetry(ctx)
	if err != nil {
		return err
	}
	log := told.Logger(c.logs())
	profiler := c.profiler()
	observers := append(c.observers(told), profiler.Observers()...)
	db, err := database.Open(c.Database, observers...)
	if err != nil {
		told.Stop(ctx)
		return err
	}
	defer func() { told.Stop(ctx); err = errors.Join(err, db.Close()) }()
	db.Limit(c.DatabaseConnections)
	if err := db.Connect(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if err := c.migrate(ctx, db, log); err != nil {
		return err
	}
	cursors, err := c.Cursors()
	if err != nil {
		return err
	}
	documents, err := c.Load()
	if err != nil {
		return err
	}
	replicas, err := c.OpenReplicas(db, observers, time.Now, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, replicas.Close()) }()
	client, keys := db.ORM(), idempotency.Keys{Keep: c.IdempotencyKeep}
	api, err := gql.NewHandler(gql.Config{
		DB: client, Reads: replicas, Dialect: db.Dialect,
		Rules: c.Rules(), Keys: keys, Limits: c.Limits(), Cursors: cursors, Clock: time.Now, Log: log,
		FirstLogin: c.FirstLogin, Introspection: c.Introspects(c.Environment), Documents: documents,
		Requests:  gql.Requests{MaxBody: c.BodyMax, MaxBatch: c.BatchMax},
		Telemetry: told, Profiler: profiler,
	})
	if err != nil {
		return err
	}
	limiter, err := c.Limiter(time.Now, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, limiter.Close()) }()
	if c.Demo {
		if err := demo.Fill(ctx, client, c.Rules(), time.Now()); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	api, how, err := c.identified(limiter.Handler(replicas.Handler(api)), told, log) // what finds out who asks goes around what counts
	if err != nil {
		return err
	}
	var listening net.ListenConfig
	listening.SetMultipathTCP(false) // of which a stopping server could not take the last connections
	l, err := listening.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	secure, err := c.secure(ctx, l, log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	admin, err := c.admin(ctx, told, db, replicas, client, secure)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	fmt.Fprintf(out, "docket answers at %s://%s/graphql\n%s\n%s", c.scheme(), c.address(l), how, c.whereProfiled(l))
	if admin != nil {
		fmt.Fprintf(out, "Operators see http://%s/metrics\n", admin.Listener.Addr())
	}
	if c.Demo {
		fmt.Fprint(out, demo.Queries)
	}
	sweep, stop := context.WithCancel(ctx)
	var swept sync.WaitGroup
	swept.Go(func() {
		keys.Sweep(sweep, client, time.Now, func(err error) { log.Error("old idempotency keys are not forgotten", "error", err) })
	})
	defer func() { stop(); swept.Wait() }()
	s := server.Server{
		API: profiler.Around(limiter.Failures(api)), Debug: profiler.Handler(db.DB, db.Dialect), GraphiQL: c.Environment != config.Production,
		Ready: db.PingContext, Timeout: c.RequestTimeout, Reading: c.ReadTimeout, Drain: c.Drain,
		Origins: c.CORSOrigins, Hosts: c.Called(), Log: log, TLS: secure,
		Admin: admin, Around: told.HTTP,
	}
	return s.Run(ctx, l)
}

// migrate brings the database up to date where a server may do so by itself,
// and refuses one that is not where it may not.
func (c serveCommand) migrate(ctx context.Context, db *database.DB, log *slog.Logger) error {
	if !c.Environment.Deployed() {
		applied, err := migration.Up(ctx, db)
		for _, name := range applied {
			log.Info("applied migration", "file", name)
		}
		return err
	}
	dir, err := migration.Embedded(db.Dialect)
	if err != nil {
		return err
	}
	pending, err := migration.Pending(ctx, db, dir)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return fmt.Errorf("the database lacks %d migrations; run docket migrate apply first", len(pending))
	}
	return nil
}

func (c serveCommand) logs() slog.Handler {
	if c.Environment == config.Local {
		return slog.NewTextHandler(os.Stderr, nil)
	}
	return slog.NewJSONHandler(os.Stderr, nil)
}

// address is where to reach the listener: as configured, but with its real port.
func (c serveCommand) address(l net.Listener) string {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return l.Addr().String()
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return l.Addr().String()
	}
	return net.JoinHostPort(host, port)
}
