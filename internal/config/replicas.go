package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"docket/internal/database"
	"docket/internal/replica"
)

// Replicas are the servers that follow the database.
type Replicas struct {
	DatabaseReplicas []string      `help:"Where queries read, too: postgres://… for each server that follows the database, by an address of its own. The one that is the database itself may be among them." placeholder:"URL,…"`
	ReplicaLag       time.Duration `help:"How far a replica that is read may be behind the database." default:"10s"`
}

// kept is for how long what viewers wrote is known longer than a replica can lack
// it: clocks do not run the same.
const kept = time.Minute

// OpenReplicas opens those of the database.
func (s Server) OpenReplicas(db *database.DB, observers []database.Observer, clock func() time.Time, log *slog.Logger) (*replica.Set, error) {
	keep := s.ReplicaLag + kept
	c := replica.Config{
		Primary: db, PrimaryURL: s.Database, URLs: s.DatabaseReplicas, Most: s.DatabaseConnections, Lag: s.ReplicaLag,
		Observers: observers, Positions: replica.NewMemory(keep, clock), Clock: clock, Log: log,
	}
	if len(c.URLs) > 0 && s.SharedStore != memory {
		c.Positions = replica.NewShared(s.SharedStore, keep, storePatience, clock, log)
	}
	return replica.Open(c)
}

func (s Server) validateReplicas() error {
	if s.ReplicaLag < time.Second || s.ReplicaLag > 5*time.Minute {
		return fmt.Errorf("replica-lag: %v is not between 1s and 5m", s.ReplicaLag)
	}
	if len(s.DatabaseReplicas) == 0 {
		return nil
	}
	if strings.HasPrefix(s.Database, "sqlite:") {
		return errors.New("database-replicas: the database has to be PostgreSQL")
	}
	for i, url := range s.DatabaseReplicas { // which are not repeated: there are passwords in them
		if err := s.validateReplica(url); err != nil {
			return fmt.Errorf("database-replicas: number %d: %w", i+1, err)
		}
	}
	if s.Environment.Deployed() && s.SharedStore == memory {
		return fmt.Errorf("database-replicas: needs shared-store redis://… in environment %s, where servers tell each other what a viewer has written", s.Environment)
	}
	return nil
}

func (s Server) validateReplica(url string) error {
	if err := database.Check(url); err != nil {
		return err
	}
	if strings.HasPrefix(url, "sqlite:") {
		return errors.New("must be postgres://USER@HOST/NAME?sslmode=…")
	}
	if !s.Environment.Deployed() || s.DatabaseUnverified {
		return nil
	}
	if err := database.Verified(url); err != nil {
		return fmt.Errorf("%w; or say --database-unverified", err)
	}
	return nil
}
