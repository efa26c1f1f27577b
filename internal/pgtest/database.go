package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
)

// Migrate brings an empty database to the schema that is wanted.
type Migrate func(ctx context.Context, dsn string) error

// CreateDatabase makes an empty database.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	return s.exec(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(name)+" TEMPLATE template0")
}

// Drop removes a database, under the connections that it may still have.
func (s *Server) Drop(ctx context.Context, name string) error {
	return s.exec(ctx, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(name)+" WITH (FORCE)")
}

// Template migrates the database that [Server.Clone] copies for key. Only the
// first call for a key does, while the others wait for it; where it fails, no
// trace is left and the next call tries again.
func (s *Server) Template(ctx context.Context, key string, migrate Migrate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, made := s.templates[key]; made {
		return nil
	}
	name, err := s.migrated(ctx, "template", migrate)
	if err != nil {
		return err
	}
	if err := s.seal(ctx, name); err != nil {
		return errors.Join(err, s.Drop(ctx, name))
	}
	s.templates[key] = name
	return nil
}

// Clone copies the template of key and returns the name of the new database,
// for [Server.DSN] and [Server.Drop].
func (s *Server) Clone(ctx context.Context, key string) (string, error) {
	s.mu.Lock()
	template, made := s.templates[key]
	s.mu.Unlock()
	if !made {
		return "", fmt.Errorf("pgtest: there is no template %q", key)
	}
	name := unique("clone")
	create := "CREATE DATABASE " + pq.QuoteIdentifier(name) + " TEMPLATE " + pq.QuoteIdentifier(template)
	if s.version >= 150000 {
		create += " STRATEGY FILE_COPY" // what older ones always do; without fsync it is the fast one
	}
	if err := s.exec(ctx, create); err != nil {
		return "", err
	}
	return name, nil
}

// migrated makes a database and migrates it; one that it cannot migrate, it
// drops, though ctx be the reason.
func (s *Server) migrated(ctx context.Context, kind string, migrate Migrate) (string, error) {
	name := unique(kind)
	if err := s.CreateDatabase(ctx, name); err != nil {
		return "", err
	}
	if err := migrate(ctx, s.DSN(name)); err != nil {
		err = fmt.Errorf("pgtest: migrate: %w", s.process.explain(err))
		return "", errors.Join(err, s.Drop(context.WithoutCancel(ctx), name))
	}
	return name, nil
}

// seal ends the connections that migrate has left, or has only just closed:
// PostgreSQL copies no database that is in use.
func (s *Server) seal(ctx context.Context, name string) error {
	if err := s.exec(ctx, "ALTER DATABASE "+pq.QuoteIdentifier(name)+" ALLOW_CONNECTIONS false"); err != nil {
		return err
	}
	const waitMS = 5000
	return s.exec(ctx, "SELECT pg_terminate_backend(pid, $2) FROM pg_stat_activity WHERE datname = $1", name, waitMS)
}

func (s *Server) exec(ctx context.Context, query string, args ...any) error {
	if _, err := s.admin.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("pgtest: %s: %w", query, s.process.explain(err))
	}
	return nil
}

// unique makes a name that no other process takes on a server they share.
func unique(kind string) string { return "pgtest_" + kind + "_" + strings.ToLower(rand.Text()) }
