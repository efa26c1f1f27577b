package config

import (
	"fmt"
	"net"
)

// Profiling is whether a developer can see what requests do.
type Profiling struct {
	Profiler string `help:"Show the latest operations with their SQL at /debug/requests, to this machine only: ${enum}; auto is in the environments local and development, where the server listens on localhost." enum:"auto,on,off" default:"auto"`
}

// Profiles reports whether the profiler is on.
func (s Server) Profiles() bool {
	host, _, _ := net.SplitHostPort(s.Listen)
	return s.Profiler == "on" || s.Profiler == "auto" && !s.Environment.Deployed() && loopback(host)
}

// validate reports why it cannot be on, if it shall be. Loopback says that only
// this machine can reach the server.
func (p Profiling) validate(s Server, loopback bool) error {
	switch {
	case p.Profiler == "on" && s.Environment.Deployed():
		return fmt.Errorf("profiler: not in environment %s: it shows everybody's data", s.Environment)
	case p.Profiler == "on" && !loopback:
		return fmt.Errorf("profiler: it shows everybody's data, and others can reach %q; listen on localhost", s.Listen)
	}
	return nil
}
