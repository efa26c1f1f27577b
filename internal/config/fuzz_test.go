package config_test

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"docket/internal/config"
)

// settings are those that a variable is given for, by their flags' names.
var settings = []string{
	"environment", "listen", "insecure", "database", "request-timeout", "drain", "slot-length", "advance-notice", "hold-length",
	"idempotency-keep", "page-default", "page-max", "filter-depth", "operation-rows", "operation-parameters", "cursor-secret",
	"oidc-issuer", "oidc-audience", "oidc-roles-claim", "oidc-leeway", "dev-tokens", "dev-key",
	"tls-cert", "tls-key", "acme-domain", "acme-cache", "acme-email", "acme-directory", "redirect-from", "redirect-port", "hsts", "database-unverified",
	"rate-limit", "rate-window", "shared-store", "trusted-proxies",
	"operation-cost", "introspection", "persisted-queries", "trusted-documents", "trusted-documents-only", "document-tokens", "document-repeats",
	"read-timeout", "body-max", "batch-max", "cors-origins", "hosts", "database-replicas", "replica-lag",
}

// FuzzSettings gives any config file, any variable and any flag. What is refused
// is told without the secrets that were given; what is not can be served with.
func FuzzSettings(f *testing.F) {
	for _, file := range []string{
		"", "{}", "null", "[]", `{"listen": null}`, `{"listen": ["a"]}`, `{"drain": "1s"} {}`, `{"drain": "1s"`, "{\"\xff\": 1}", `{"": ""}`,
		`{"page-max": 1e999}`, `{"page-max": 1e2}`, `{"page-max": -0}`, `{"page-max": 9223372036854775808}`, `{"hold-length": "9223372036854775807ns"}`,
		`{"hold-length": "-2562047h47m16.854775808s"}`, `{"insecure": "maybe"}`, `{"insecure": true}`, `{"listen": "--insecure"}`, `{"listen": "[::1]:0"}`,
		`{"database": "sqlite://:memory:"}`, `{"database": "sqlite://a\u0000b"}`, `{"config": "x"}`, `{"help": true}`, strings.Repeat(`{"a":`, 20000),
	} {
		f.Add(file, uint8(0), "", "")
	}
	f.Add("", uint8(3), "postgres://docket:123/s3cr3t@db/docket?sslmode=disable", "--environment=staging")
	f.Add("", uint8(3), "postgres://docket:s3cr3t@db/docket", "")
	f.Add("", uint8(15), "s3cr3t", "--environment=production")
	f.Add("", uint8(18), "redis://:s3cr3t@host:port", "")
	f.Add("", uint8(19), "10.0.0.0/8,unix", "--rate-store-down=refuse")
	f.Add(`{"listen": "localhost:1"}`, uint8(1), "0.0.0.0:1", "--insecure")
	f.Add("", uint8(1), "localhost:+80", "--help")
	f.Add(`{"oidc-audience": "docket"}`, uint8(16), "https://id.example.org", "--listen=0.0.0.0:1")
	f.Add(`{"dev-tokens": true}`, uint8(1), "0.0.0.0:1", "--insecure")
	f.Add("", uint8(0), "", "--page-default=50=")
	f.Fuzz(func(t *testing.T, file string, name uint8, variable, flag string) {
		if strings.HasPrefix(flag, "--config") || strings.HasPrefix(flag, "-") != strings.HasPrefix(flag, "--") {
			t.Skip() // no file of this machine
		}
		setting := settings[int(name)%len(settings)]
		given := "DOCKET_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
		if err := os.Setenv(given, variable); err != nil {
			t.Skip() // no environment holds it
		}
		defer os.Unsetenv(given) //nolint:errcheck // it was set
		resolver, err := config.File(strings.NewReader(file))
		if err != nil {
			return
		}
		var c command
		parser, err := kong.New(&c, kong.Name("docket"), kong.Resolvers(resolver), kong.DefaultEnvars("DOCKET"),
			kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}))
		must(t, err)
		args := []string{"serve"}
		if flag != "" {
			args = append(args, flag)
		}
		if _, err := parser.Parse(args); err != nil {
			secret := setting == "database" || setting == "cursor-secret" || setting == "shared-store" || setting == "database-replicas"
			if secret && strings.Contains(variable, "s3cr3t") && strings.Contains(err.Error(), "s3cr3t") && !strings.Contains(file+flag, "s3cr3t") {
				t.Errorf("%s=%s: %v", given, variable, err)
			}
			return
		}
		if strings.HasPrefix(flag, "--help") || strings.HasPrefix(flag, "-h") {
			return
		}
		s := c.Serve.Server
		if err := s.Validate(); err != nil {
			t.Errorf("%+v is accepted although %v", s, err)
		}
		if s.DevTokens && (s.Environment.Deployed() || !strings.HasPrefix(s.Listen, "localhost:") && !strings.HasPrefix(s.Listen, "127.") && !strings.HasPrefix(s.Listen, "[:")) {
			t.Errorf("%+v takes development tokens", s)
		}
		if _, err := s.Cursors(); err != nil {
			t.Errorf("%+v has no cursors: %v", s, err)
		}
		if _, err := s.Limiter(time.Now, slog.New(slog.DiscardHandler)); err != nil {
			t.Errorf("%+v has no limiter: %v", s, err)
		}
	})
}
