package config

import (
	"errors"
	"net"
)

// Telemetry is what operators are told, besides what the variables OTEL_… say.
type Telemetry struct {
	Admin          string `help:"Listen here for those who operate the server: /metrics for Prometheus, /debug/pprof/, /healthz and /readyz. Nothing checks who asks: keep it private." placeholder:"HOST:PORT"`
	OperationLog   string `help:"Log a line for each operation: ${enum}; auto is on in staging and production." enum:"auto,on,off" default:"auto"`
	ContinueTraces bool   `help:"Continue the traces that requests of trusted proxies say they are part of (traceparent), and sample them as they say: where no proxy passes on what its clients say."`
}

// LogsOperations reports whether each operation has a line in the log.
func (t Telemetry) LogsOperations(e Environment) bool {
	return t.OperationLog == "on" || t.OperationLog == "auto" && e.Deployed()
}

// AdminHosts are the names by which the admin may be called; none for any.
func (t Telemetry) AdminHosts() []string {
	if host, _, err := net.SplitHostPort(t.Admin); err == nil && loopback(host) {
		return []string{"localhost"}
	}
	return nil
}

func (t Telemetry) validate(s Server) error {
	if t.ContinueTraces && s.TrustedProxies == "" {
		return errors.New("continue-traces: needs trusted-proxies, whose traces are continued")
	}
	if t.Admin == "" {
		return nil
	}
	return validateAddress("admin", t.Admin)
}
