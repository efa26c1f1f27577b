package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"docket/ent/orm"
	"docket/internal/address"
	"docket/internal/database"
	"docket/internal/gate"
	"docket/internal/replica"
	"docket/internal/server"
	"docket/internal/telemetry"
)

// telemetry is what operators are told; nil where they want to know nothing.
func (c serveCommand) telemetry(ctx context.Context) (*telemetry.Telemetry, error) {
	proxies, err := address.Parse(c.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("trusted-proxies: %w", err)
	}
	s := telemetry.Settings{
		Environment: string(c.Environment), Metrics: c.Admin != "", Operations: c.LogsOperations(c.Environment),
		Log: c.logs(), Always: c.Environment.Deployed(), Clock: time.Now,
	}
	if c.ContinueTraces {
		s.Parents = proxies.Sent
	}
	return telemetry.Start(ctx, s)
}

// observers are those of statements.
func (c serveCommand) observers(told *telemetry.Telemetry) []database.Observer {
	if told == nil {
		return nil
	}
	system := "sqlite"
	if strings.HasPrefix(c.Database, "postgres") {
		system = "postgresql"
	}
	return []database.Observer{told.Statements(system)}
}

// admin listens for operators, if it is to, and has them told what is known of the
// database and of certificates.
func (c serveCommand) admin(ctx context.Context, told *telemetry.Telemetry, db *database.DB, replicas *replica.Set, client *orm.Client, secure *server.TLS) (*server.Admin, error) {
	err := errors.Join(
		told.ObservePool("primary", db.Stats),
		told.ObserveHolds(func(ctx context.Context, since, now time.Time) (running, ended int, err error) {
			return gate.Holds(ctx, client, since, now)
		}),
	)
	for i, r := range replicas.Replicas() {
		err = errors.Join(err, told.ObservePool(fmt.Sprintf("replica %d", i+1), r.Stats))
	}
	if secure != nil {
		err = errors.Join(err, told.ObserveCertificates(secure.Ends))
	}
	if err != nil || c.Admin == "" {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Admin)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	return &server.Admin{Listener: l, Metrics: told.Handler(), Hosts: c.AdminHosts()}, nil
}
