package config_test

import (
	"strings"
	"testing"

	"docket/internal/config"
)

func TestValidateTelemetry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*config.Server)
		wrong  string
	}{
		"private":           {func(s *config.Server) { s.Admin = "10.0.0.1:9464" }, ""},
		"everywhere":        {func(s *config.Server) { s.Admin = ":9464" }, ""},
		"any port":          {func(s *config.Server) { s.Admin, s.Listen = "localhost:0", "localhost:0" }, ""},
		"no port":           {func(s *config.Server) { s.Admin = "localhost" }, `admin: "localhost" is not HOST:PORT`},
		"a port too high":   {func(s *config.Server) { s.Admin = "localhost:65536" }, `admin: "65536" is not a port`},
		"traces of proxies": {func(s *config.Server) { s.ContinueTraces, s.TrustedProxies = true, "10.0.0.0/8" }, ""},
		"traces of nobody":  {func(s *config.Server) { s.ContinueTraces = true }, "continue-traces: needs trusted-proxies"},
	} {
		s := valid()
		test.change(&s)
		err := s.Validate()
		if test.wrong == "" && err != nil || test.wrong != "" && (err == nil || !strings.HasPrefix(err.Error(), test.wrong)) {
			t.Errorf("%s: got %v, want %q", name, err, test.wrong)
		}
	}
}

func TestLogsOperations(t *testing.T) {
	t.Parallel()
	for environment, auto := range map[config.Environment]bool{config.Local: false, config.Development: false, config.Staging: true, config.Production: true} {
		for setting, want := range map[string]bool{"auto": auto, "on": true, "off": false} {
			if got := (config.Telemetry{OperationLog: setting}).LogsOperations(environment); got != want {
				t.Errorf("%s in %s: %v", setting, environment, got)
			}
		}
	}
}

// Where others cannot reach the operators' listener, no page of theirs can have a
// browser here call it by their name.
func TestAdminHosts(t *testing.T) {
	t.Parallel()
	for admin, want := range map[string]string{"localhost:9464": "localhost", "[::1]:9464": "localhost", ":9464": "", "10.0.0.1:9464": "", "": ""} {
		if got := strings.Join((config.Telemetry{Admin: admin}).AdminHosts(), ","); got != want {
			t.Errorf("%q: %q, want %q", admin, got, want)
		}
	}
}
