package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"docket/internal/booking"
	"docket/internal/config"
	"docket/internal/planner"
)

// command is one that is configured as docket's are.
type command struct {
	Config kong.ConfigFlag
	Serve  struct {
		config.Server `embed:""`
		Demo          bool
		Limit         int
	} `cmd:""`
	Other struct {
		Elsewhere string
	} `cmd:""`
}

// parse reads settings from a file of this text, unless it is empty, and from
// flags; variables are the environment's.
func parse(t *testing.T, file string, flags ...string) (config.Server, error) {
	t.Helper()
	c, err := parseAll(t, file, flags...)
	return c.Serve.Server, err
}

func parseAll(t *testing.T, file string, flags ...string) (command, error) {
	t.Helper()
	args := append([]string{"serve"}, flags...)
	if file != "" {
		path := filepath.Join(t.TempDir(), "docket.json")
		must(t, os.WriteFile(path, []byte(file), 0o600))
		args = append([]string{"--config", path}, args...)
	}
	var c command
	parser, err := kong.New(&c, kong.Name("docket"), kong.Configuration(config.File), kong.DefaultEnvars("DOCKET"),
		kong.Exit(func(int) { t.Error("the parser would have ended the process") }))
	must(t, err)
	_, err = parser.Parse(args)
	return c, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDefaults(t *testing.T) {
	got, err := parse(t, "")
	must(t, err)
	if !reflect.DeepEqual(got, valid()) {
		t.Errorf("got %+v, want %+v", got, valid())
	}
	if got.Limits() != planner.DefaultLimits() {
		t.Errorf("the limits are %+v, want those of package planner", got.Limits())
	}
	if got.Rules() != booking.DefaultRules() {
		t.Errorf("the rules are %+v, want those of package booking", got.Rules())
	}
}

// A flag wins over a variable, a variable over the file, the file over the default.
func TestPrecedence(t *testing.T) {
	const file = `{"hold-length": "1m", "drain": "1s"}`
	tests := map[string]struct {
		flag, variable, file string
		hold                 time.Duration
	}{
		"default":                 {"", "", "", 30 * time.Minute},
		"file":                    {"", "", file, time.Minute},
		"variable":                {"", "2m", "", 2 * time.Minute},
		"variable and file":       {"", "2m", file, 2 * time.Minute},
		"flag":                    {"--hold-length=3m", "", "", 3 * time.Minute},
		"flag and file":           {"--hold-length=3m", "", file, 3 * time.Minute},
		"flag and variable":       {"--hold-length=3m", "2m", "", 3 * time.Minute},
		"flag, variable and file": {"--hold-length=3m", "2m", file, 3 * time.Minute},
		"a flag with the default": {"--hold-length=30m", "2m", file, 30 * time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.variable != "" {
				t.Setenv("DOCKET_HOLD_LENGTH", tt.variable)
			}
			got, err := parse(t, tt.file, strings.Fields(tt.flag)...)
			must(t, err)
			if got.HoldLength != tt.hold {
				t.Errorf("the hold lasts %v, want %v", got.HoldLength, tt.hold)
			}
			if drain := map[bool]time.Duration{true: time.Second}[tt.file != ""]; got.Drain != drain {
				t.Errorf("the drain lasts %v, want %v: nobody else gave it", got.Drain, drain)
			}
		})
	}
}

// Every setting can come from each place, under its one name.
func TestEverySettingEverywhere(t *testing.T) {
	want := config.Server{
		Environment: config.Staging, Listen: "0.0.0.0:80", Insecure: true, Database: "postgres://docket@db/docket?sslmode=disable",
		Drain: 5 * time.Second, SlotLength: time.Hour, AdvanceNotice: 90 * time.Minute, HoldLength: 10 * time.Second,
		IdempotencyKeep: 2 * time.Hour, RequestTimeout: 20 * time.Second, PageDefault: 20, PageMax: 100, FilterDepth: 3, FilterConditions: 30,
		OperationDepth: 5, OperationLists: 60, OperationFields: 90, OperationRows: 7000, OperationValues: 9000, OperationParameters: 800, OperationCost: 4000, CursorSecret: strings.Repeat("secret ", 3),
		Identity: valid().Identity, // see TestIdentityEverywhere
		TLS: config.TLS{
			ACMEDomain: "docket.example.org,example.org", ACMECache: "/var/lib/docket/acme", ACMEAcceptTerms: true, ACMEEmail: "admin@example.org",
			ACMEDirectory: "https://ca.example.org/directory", RedirectFrom: ":80", RedirectPort: 443, HSTS: time.Minute, DatabaseUnverified: true,
		},
		Rates: config.Rates{
			RateLimit: 60, RateLimitAnonymous: 6, RateWindow: 10 * time.Second, RateStoreDown: "refuse", TrustedProxies: "10.0.0.0/8, unix",
		},
		Shared: config.Shared{SharedStore: "redis://valkey:6379/1"},
		Pool:   config.Pool{DatabaseConnections: 7},
		Documents: config.Documents{
			Introspection: "off", TrustedDocuments: "manifest.json", TrustedDocumentsOnly: true, DocumentTokens: 700, DocumentDepth: 6,
			DocumentAliases: 50, DocumentRootFields: 4, DocumentMutations: 3, DocumentDirectives: 2, DocumentFragments: 10, DocumentSelections: 77, DocumentRepeats: 7,
		},
		Requests: config.Requests{
			ReadTimeout: 3 * time.Second, BodyMax: 2048, BatchMax: 9, CORSOrigins: []string{"https://a.example", "http://b.example:8080"}, Hosts: []string{"docket.example", "docket"},
		},
		Replicas: config.Replicas{
			DatabaseReplicas: []string{"postgres://docket@one/docket?sslmode=disable", "postgres://docket@two/docket?sslmode=disable"}, ReplicaLag: 4 * time.Second,
		},
		Telemetry: config.Telemetry{Admin: "10.0.0.1:9464", OperationLog: "off", ContinueTraces: true},
		Profiling: config.Profiling{Profiler: "off"},
	}
	given := map[string]string{
		"environment": "staging", "listen": "0.0.0.0:80", "insecure": "true", "database": want.Database, "drain": "5s",
		"slot-length": "1h", "advance-notice": "1h30m", "hold-length": "10s", "idempotency-keep": "2h", "request-timeout": "20s",
		"page-default": "20", "page-max": "100", "filter-depth": "3", "filter-conditions": "30", "operation-depth": "5", "operation-lists": "60",
		"operation-fields": "90", "operation-rows": "7000", "operation-values": "9000", "operation-parameters": "800", "operation-cost": "4000", "cursor-secret": want.CursorSecret,
		"acme-domain": want.ACMEDomain, "acme-cache": want.ACMECache, "acme-accept-terms": "true", "acme-email": want.ACMEEmail,
		"acme-directory": want.ACMEDirectory, "redirect-from": ":80", "redirect-port": "443", "hsts": "1m", "database-unverified": "true",
		"database-connections": "7", "rate-limit": "60", "rate-limit-anonymous": "6", "rate-window": "10s", "shared-store": want.SharedStore, "rate-store-down": "refuse",
		"trusted-proxies": want.TrustedProxies,
		"introspection":   "off", "persisted-queries": "false", "trusted-documents": "manifest.json", "trusted-documents-only": "true",
		"document-tokens": "700", "document-depth": "6", "document-aliases": "50", "document-root-fields": "4", "document-mutations": "3",
		"document-directives": "2", "document-fragments": "10", "document-selections": "77", "document-repeats": "7",
		"read-timeout": "3s", "body-max": "2048", "batch-max": "9", "cors-origins": "https://a.example,http://b.example:8080", "hosts": "docket.example,docket",
		"database-replicas": "postgres://docket@one/docket?sslmode=disable,postgres://docket@two/docket?sslmode=disable", "replica-lag": "4s",
		"admin": "10.0.0.1:9464", "operation-log": "off", "continue-traces": "true",
		"profiler": "off",
	}
	t.Run("flags", func(t *testing.T) {
		var flags []string
		for name, value := range given {
			flags = append(flags, "--"+name+"="+value)
		}
		got, err := parse(t, "", flags...)
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("variables", func(t *testing.T) {
		for name, value := range given {
			t.Setenv("DOCKET_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")), value)
		}
		got, err := parse(t, "")
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("file", func(t *testing.T) {
		values := map[string]any{}
		for name, value := range given { // true and 20 need not be texts
			if values[name] = value; json.Unmarshal([]byte(value), new(any)) == nil {
				values[name] = json.RawMessage(value)
			}
		}
		file, err := json.Marshal(values)
		must(t, err)
		got, err := parse(t, string(file))
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestWrongSettings(t *testing.T) {
	tests := map[string]struct {
		file  string
		flags []string
		wrong string
	}{
		"a key that is no setting":       {`{"hold-lenght": "1m"}`, nil, "config file: hold-lenght: there is no such setting"},
		"a key in another style":         {`{"holdLength": "1m"}`, nil, "config file: holdLength: there is no such setting"},
		"a list":                         {`{"listen": ["localhost:80"]}`, nil, "config file: listen: must be one value"},
		"an object":                      {`{"listen": {"port": 80}}`, nil, "config file: listen: must be one value"},
		"nothing":                        {`{"listen": null}`, nil, "config file: listen: must be one value"},
		"no JSON":                        {`listen: localhost:80`, nil, "config file: "},
		"a list of settings":             {`["listen"]`, nil, "config file: "},
		"more than one object":           {`{"drain": "1s"} {"drain": "2s"}`, nil, "config file: "},
		"a duration without unit":        {`{"drain": 5}`, nil, "drain"},
		"words for a duration":           {`{"drain": "soon"}`, nil, "drain"},
		"an unknown environment":         {`{"environment": "moon"}`, nil, "environment"},
		"what Validate refuses":          {`{"hold-length": "0s"}`, nil, "hold-length: 0s is not"},
		"by flag: no duration":           {"", []string{"--hold-length=soon"}, "hold-length"},
		"by flag: unknown environment":   {"", []string{"--environment=moon"}, "--environment must be one of"},
		"by flag: what Validate refuses": {"", []string{"--slot-length=30s"}, "slot-length: 30s is not"},
		"by flag: no such":               {"", []string{"--hold=1m"}, "unknown flag --hold"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(t, tt.file, tt.flags...); err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("got %v, want %q", err, tt.wrong)
			}
		})
	}
}

// One file serves all commands: it may hold the settings of another.
func TestAFileForAllCommands(t *testing.T) {
	got, err := parseAll(t, `{"elsewhere": "x", "demo": true, "limit": 1000000, "drain": "1s"}`)
	must(t, err)
	if s := got.Serve; !s.Demo || s.Limit != 1000000 || s.Drain != time.Second {
		t.Errorf("got %+v", s)
	}
}

func TestNoFile(t *testing.T) {
	if _, err := parse(t, "", "--config=/nowhere/docket.json"); err == nil {
		t.Error("a file that is not there is no error")
	}
}
