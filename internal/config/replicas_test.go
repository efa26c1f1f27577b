package config_test

import (
	"strings"
	"testing"
	"time"

	"docket/internal/config"
)

func TestValidateReplicas(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	const verified = "postgres://docket:" + secret + "@one/docket?sslmode=verify-full"
	tests := map[string]struct {
		change func(*config.Server)
		wrong  string // what the error begins with; empty where there is none
	}{
		"one":                      {func(*config.Server) {}, ""},
		"none":                     {func(s *config.Server) { s.DatabaseReplicas = nil }, ""},
		"none, in production":      {func(s *config.Server) { s.DatabaseReplicas, s.Environment = nil, config.Production }, ""},
		"two":                      {func(s *config.Server) { s.DatabaseReplicas = []string{verified, verified} }, ""},
		"shared, in production":    {func(s *config.Server) { s.Environment, s.SharedStore = config.Production, "redis://valkey" }, ""},
		"alone, in production":     {func(s *config.Server) { s.Environment = config.Production }, "database-replicas: needs shared-store redis://"},
		"alone, in staging":        {func(s *config.Server) { s.Environment = config.Staging }, "database-replicas: needs shared-store redis://"},
		"alone, where it is local": {func(s *config.Server) { s.Environment = config.Development }, ""},

		"of SQLite": {func(s *config.Server) { s.Database = config.DefaultDatabase }, "database-replicas: the database has to be PostgreSQL"},
		"SQLite":    {func(s *config.Server) { s.DatabaseReplicas = []string{config.DefaultDatabase} }, "database-replicas: number 1: must be postgres://"},
		"no URL":    {func(s *config.Server) { s.DatabaseReplicas = []string{verified, ""} }, "database-replicas: number 2: must be"},
		"several hosts": {func(s *config.Server) {
			s.DatabaseReplicas = strings.Split("postgres://one,two/docket?sslmode=disable", ",")
		}, "database-replicas: number 1: a postgres URL needs sslmode"},
		"no sslmode": {func(s *config.Server) { s.DatabaseReplicas = []string{"postgres://docket:" + secret + "@one/docket"} }, "database-replicas: number 1: a postgres URL needs sslmode"},
		"not verified, in production": {func(s *config.Server) {
			s.Environment, s.SharedStore = config.Production, "redis://valkey"
			s.DatabaseReplicas = []string{verified, "postgres://docket:" + secret + "@two/docket?sslmode=require"}
		}, "database-replicas: number 2: PostgreSQL on another machine has to prove who it is"},
		"not verified, as is said": {func(s *config.Server) {
			s.Environment, s.SharedStore, s.DatabaseUnverified = config.Production, "redis://valkey", true
			s.DatabaseReplicas = []string{"postgres://docket:" + secret + "@two/docket?sslmode=require"}
		}, ""},

		"no lag":           {func(s *config.Server) { s.ReplicaLag = 0 }, "replica-lag: 0s is not between"},
		"a lag of an hour": {func(s *config.Server) { s.ReplicaLag = time.Hour }, "replica-lag: 1h0m0s is not between"},
		"the longest lag":  {func(s *config.Server) { s.ReplicaLag = 5 * time.Minute }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := valid()
			s.Database, s.CursorSecret, s.Insecure = verified, "sixteen bytes, no fewer", true
			s.DatabaseReplicas = []string{verified}
			tt.change(&s)
			err := s.Validate()
			switch {
			case err == nil && tt.wrong != "":
				t.Errorf("accepted, want an error that begins with %q", tt.wrong)
			case err != nil && (tt.wrong == "" || !strings.HasPrefix(err.Error(), tt.wrong)):
				t.Errorf("got %q, want %q", err, tt.wrong)
			case err != nil && strings.Contains(err.Error(), secret):
				t.Errorf("%q gives the password away", err)
			}
		})
	}
}
