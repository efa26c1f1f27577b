// Package config is what the server can be told, where it reads it, and what
// it does not accept.
package config

import (
	"crypto/rand"
	"fmt"
	"net"
	"strconv"
	"time"

	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/planner"
)

// DefaultDatabase is the file that is used when no database is named.
const DefaultDatabase = "sqlite://docket.db"

// Server is the configuration of `docket serve`. A setting is a flag, a
// variable DOCKET_… and a key of the config file, all of the same name; the
// first that is given wins, in that order.
type Server struct {
	Environment    Environment   `help:"Where the server runs: ${enum}." enum:"local,development,staging,production" default:"local"`
	Listen         string        `help:"Where to listen." placeholder:"HOST:PORT" default:"localhost:8080"`
	Insecure       bool          `help:"Serve without an identity provider even where others can reach the server: anyone may do anything."`
	Database       string        `help:"sqlite://PATH or postgres://…" placeholder:"URL" default:"sqlite://docket.db"`
	RequestTimeout time.Duration `help:"How long a request may take; then its SQL ends, and it answers TIMEOUT." default:"30s"`
	Drain          time.Duration `help:"How long a stopping server stays up for those who still think it ready; then it refuses connections, and for as long again waits for those who keep some." default:"0s"`

	SlotLength    time.Duration `help:"The length of an appointment." default:"15m"`
	AdvanceNotice time.Duration `help:"How long before its start an appointment can last be reserved." default:"24h"`
	HoldLength    time.Duration `help:"How long a reservation waits for its confirmation." default:"30m"`

	IdempotencyKeep time.Duration `help:"How long what came of a request with an idempotencyKey is remembered." default:"24h"`

	PageDefault         int `help:"How many rows a list has for which neither first nor last is given." default:"50"`
	PageMax             int `help:"How many rows a list has at most, and how many ids can be asked for at once." default:"500"`
	FilterDepth         int `help:"How deep a filter can be nested." default:"8"`
	FilterConditions    int `help:"How many conditions the filters of an operation can have together." default:"500"`
	OperationDepth      int `help:"How deep an operation can nest objects." default:"12"`
	OperationLists      int `help:"How many lists and related objects an operation can select." default:"200"`
	OperationFields     int `help:"How many fields an operation can select, those of a fragment wherever it is spread." default:"2000"`
	OperationRows       int `help:"How many rows an answer can have, as far as its pages tell." default:"250000"`
	OperationValues     int `help:"How many values these rows can have together." default:"300000"`
	OperationParameters int `help:"How many values the filters of an operation can have together." default:"5000"`
	OperationCost       int `help:"What an operation can cost: its rows and values, and ten times its conditions and writes." default:"500000"`

	Documents `embed:""`
	Requests  `embed:""`

	CursorSecret string `help:"What cursors are sealed with, 16 bytes or more, the same for all servers. Without it, cursors end with the process." placeholder:"SECRET"`

	Identity  `embed:""`
	TLS       `embed:""`
	Pool      `embed:""`
	Shared    `embed:""`
	Rates     `embed:""`
	Replicas  `embed:""`
	Telemetry `embed:""`
	Profiling `embed:""`
}

// Environment is where a server runs.
type Environment string

// The environments. Local and development migrate by themselves. All but
// production serve GraphiQL and tell their schema.
const (
	Local       Environment = "local"
	Development Environment = "development"
	Staging     Environment = "staging"
	Production  Environment = "production"
)

// Deployed reports whether others depend on the server.
func (e Environment) Deployed() bool { return e == Staging || e == Production }

// Rules are the rules of booking.
func (s Server) Rules() booking.Rules {
	return booking.Rules{SlotLength: s.SlotLength, AdvanceNotice: s.AdvanceNotice, HoldLength: s.HoldLength}
}

// Limits bound what one operation may read.
func (s Server) Limits() planner.Limits {
	return planner.Limits{
		Page: s.PageDefault, MaxPage: s.PageMax, Filter: s.FilterDepth, Conditions: s.FilterConditions,
		Depth: s.OperationDepth, Lists: s.OperationLists, Fields: s.OperationFields,
		Rows: s.OperationRows, Values: s.OperationValues, Parameters: s.OperationParameters, Cost: s.OperationCost,
	}
}

// Cursors seal with the secret, or with one that nobody else has.
func (s Server) Cursors() (*planner.Cursors, error) {
	secret := s.CursorSecret
	if secret == "" {
		secret = rand.Text()
	}
	return planner.NewCursors([]byte(secret))
}

// Validate reports the first setting that cannot work, by its name.
func (s Server) Validate() error {
	if err := s.Rules().Validate(); err != nil {
		return err
	}
	if err := s.validateLimits(); err != nil {
		return err
	}
	if err := s.Documents.validate(); err != nil {
		return err
	}
	if err := s.Requests.validate(); err != nil {
		return err
	}
	if s.CursorSecret == "" && s.Environment.Deployed() {
		return fmt.Errorf("cursor-secret: must be given in environment %s, the same for all servers", s.Environment)
	}
	if _, err := s.Cursors(); err != nil {
		return fmt.Errorf("cursor-secret: %w", err)
	}
	if err := database.Check(s.Database); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if s.Database == "sqlite://:memory:" {
		return fmt.Errorf("database: must be a file: in memory, each connection would have a database of its own")
	}
	if s.Environment.Deployed() && s.Database == DefaultDatabase {
		return fmt.Errorf("database: must be named in environment %s", s.Environment)
	}
	if err := Verified(s.Environment, s.Database, s.DatabaseUnverified); err != nil {
		return err
	}
	if err := s.Pool.validate(); err != nil {
		return err
	}
	if s.IdempotencyKeep < time.Minute || s.IdempotencyKeep > 90*24*time.Hour {
		return fmt.Errorf("idempotency-keep: %v is not between 1m and 2160h (90 days)", s.IdempotencyKeep)
	}
	if s.RequestTimeout < time.Second || s.RequestTimeout > 50*time.Second {
		return fmt.Errorf("request-timeout: %v is not between 1s and 50s", s.RequestTimeout)
	}
	if s.Drain < 0 || s.Drain > 5*time.Minute {
		return fmt.Errorf("drain: %v is not between 0s and 5m", s.Drain)
	}
	if err := checkStore(s.SharedStore); err != nil {
		return fmt.Errorf("shared-store: %w", err)
	}
	if err := s.Rates.validate(); err != nil {
		return err
	}
	if err := s.Telemetry.validate(s); err != nil {
		return err
	}
	if err := s.validateReplicas(); err != nil {
		return err
	}
	return s.validateListen()
}

func (s Server) validateListen() error {
	if err := validateAddress("listen", s.Listen); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(s.Listen)
	if err := s.Identity.validate(s, loopback(host)); err != nil {
		return err
	}
	if err := s.Profiling.validate(s, loopback(host)); err != nil {
		return err
	}
	return s.TLS.validate()
}

// validateAddress reports what is wrong with the setting of that name.
func validateAddress(name, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s: %q is not HOST:PORT", name, address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%s: %q is not a port", name, port)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
