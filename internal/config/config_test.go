package config_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"docket/internal/booking"
	"docket/internal/config"
)

// valid is a configuration in which nothing is wrong.
func valid() config.Server {
	return config.Server{
		Environment: config.Local, Listen: "localhost:8080", Database: config.DefaultDatabase,
		SlotLength: 15 * time.Minute, AdvanceNotice: 24 * time.Hour, HoldLength: 30 * time.Minute, IdempotencyKeep: 24 * time.Hour, RequestTimeout: 30 * time.Second,
		PageDefault: 50, PageMax: 500, FilterDepth: 8, FilterConditions: 500,
		OperationDepth: 12, OperationLists: 200, OperationFields: 2000,
		OperationRows: 250_000, OperationValues: 300_000, OperationParameters: 5000, OperationCost: 500_000,
		Identity: config.Identity{OIDCRolesClaim: "roles", OIDCLeeway: 30 * time.Second},
		TLS:      config.TLS{ACMEDirectory: config.LetsEncrypt, HSTS: 8760 * time.Hour},
		Rates:    config.Rates{RateLimit: 600, RateLimitAnonymous: 120, RateWindow: time.Minute, RateStoreDown: "memory"},
		Shared:   config.Shared{SharedStore: "memory"},
		Documents: config.Documents{
			Introspection: "auto", PersistedQueries: true, DocumentTokens: 6000, DocumentDepth: 40, DocumentAliases: 200,
			DocumentRootFields: 100, DocumentMutations: 20, DocumentDirectives: 100, DocumentFragments: 200, DocumentSelections: 5000, DocumentRepeats: 100,
		},
		Pool:      config.Pool{DatabaseConnections: 16},
		Requests:  config.Requests{ReadTimeout: 30 * time.Second, BodyMax: 1 << 20, BatchMax: 1},
		Replicas:  config.Replicas{ReplicaLag: 10 * time.Second},
		Telemetry: config.Telemetry{OperationLog: "auto"},
		Profiling: config.Profiling{Profiler: "auto"},
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	tests := map[string]struct {
		change func(*config.Server)
		wrong  string // what the error begins with; empty where there is none
	}{
		"the defaults":    {func(*config.Server) {}, ""},
		"postgres":        {func(s *config.Server) { s.Database = "postgres://docket:" + secret + "@db/docket?sslmode=require" }, ""},
		"all three rules": {func(s *config.Server) { s.SlotLength, s.AdvanceNotice, s.HoldLength = time.Hour, 0, time.Second }, ""},

		"no slot length":    {func(s *config.Server) { s.SlotLength = 0 }, "slot-length: 0s is not"},
		"half a minute":     {func(s *config.Server) { s.SlotLength = 30 * time.Second }, "slot-length: 30s is not"},
		"a negative notice": {func(s *config.Server) { s.AdvanceNotice = -time.Hour }, "advance-notice: -1h0m0s is not"},
		"no hold":           {func(s *config.Server) { s.HoldLength = 0 }, "hold-length: 0s is not"},

		"no page":         {func(s *config.Server) { s.PageDefault = 0 }, "page-default: must be between"},
		"a page too many": {func(s *config.Server) { s.PageDefault, s.PageMax = 51, 50 }, "page-default: must be between"},
		"pages too large": {func(s *config.Server) { s.PageMax = 10_001 }, "page-max: must be between"},
		"no filter":       {func(s *config.Server) { s.FilterDepth = 0 }, "filter-depth: must be between 1 and"},
		"all conditions":  {func(s *config.Server) { s.FilterConditions = 1 << 20 }, "filter-conditions: must be between 1 and"},
		"no depth":        {func(s *config.Server) { s.OperationDepth = -1 }, "operation-depth: must be between 1 and"},
		"no lists":        {func(s *config.Server) { s.OperationLists = 0 }, "operation-lists: must be between 1 and"},
		"no fields":       {func(s *config.Server) { s.OperationFields = 0 }, "operation-fields: must be between 1 and"},
		"no values":       {func(s *config.Server) { s.OperationValues = 0 }, "operation-values: must be between 1 and"},
		"no rows":         {func(s *config.Server) { s.OperationRows = 0 }, "operation-rows: must be between 1 and"},
		"too many values": {func(s *config.Server) { s.OperationParameters = 40_000 }, "operation-parameters: must be between 1 and 32766"},
		"no cost":         {func(s *config.Server) { s.OperationCost = 0 }, "operation-cost: must be between 1 and"},
		"a short secret":  {func(s *config.Server) { s.CursorSecret = "fifteen bytes.." }, "cursor-secret: must have at least 16"},

		"no database":      {func(s *config.Server) { s.Database = "" }, "database: must be sqlite://PATH or"},
		"another database": {func(s *config.Server) { s.Database = "mysql://root:" + secret + "@db/docket" }, "database: must be sqlite://PATH or"},
		"no sslmode":       {func(s *config.Server) { s.Database = "postgres://docket:" + secret + "@db/docket" }, "database: a postgres URL needs sslmode"},

		"a database in memory": {func(s *config.Server) { s.Database = "sqlite://:memory:" }, "database: must be a file"},

		"one connection":      {func(s *config.Server) { s.DatabaseConnections = 1 }, "database-connections: must be between 2 and 500"},
		"two connections":     {func(s *config.Server) { s.DatabaseConnections = 2 }, ""},
		"500 connections":     {func(s *config.Server) { s.DatabaseConnections = 500 }, ""},
		"501 connections":     {func(s *config.Server) { s.DatabaseConnections = 501 }, "database-connections: must be"},
		"keys for a moment":   {func(s *config.Server) { s.IdempotencyKeep = time.Second }, "idempotency-keep: 1s is not between"},
		"keys for a year":     {func(s *config.Server) { s.IdempotencyKeep = 8760 * time.Hour }, "idempotency-keep: 8760h0m0s is not between"},
		"keys for a minute":   {func(s *config.Server) { s.IdempotencyKeep = time.Minute }, ""},
		"no time at all":      {func(s *config.Server) { s.RequestTimeout = 0 }, "request-timeout: 0s is not between"},
		"a minute's request":  {func(s *config.Server) { s.RequestTimeout = time.Minute }, "request-timeout: 1m0s is not between"},
		"a second's request":  {func(s *config.Server) { s.RequestTimeout = time.Second }, ""},
		"an hour of drain":    {func(s *config.Server) { s.Drain = time.Hour }, "drain: 1h0m0s is not between"},
		"a negative drain":    {func(s *config.Server) { s.Drain = -1 }, "drain: -1ns is not between"},
		"five minutes' drain": {func(s *config.Server) { s.Drain = 5 * time.Minute }, ""},
		"a bit more drain":    {func(s *config.Server) { s.Drain = 5*time.Minute + 1 }, "drain: 5m0.000000001s is not between"},

		"no rates":             {func(s *config.Server) { s.RateLimit, s.RateLimitAnonymous = 0, 0 }, ""},
		"a negative rate":      {func(s *config.Server) { s.RateLimit = -1 }, "rate-limit: -1 is not between"},
		"a rate too high":      {func(s *config.Server) { s.RateLimitAnonymous = 1_000_001 }, "rate-limit-anonymous: 1000001 is not between"},
		"the highest rate":     {func(s *config.Server) { s.RateLimit, s.RateWindow = 1_000_000, time.Second }, ""},
		"no window":            {func(s *config.Server) { s.RateWindow = 0 }, "rate-window: 0s is not between"},
		"a window of 1.5 s":    {func(s *config.Server) { s.RateWindow = 1500 * time.Millisecond }, "rate-window: 1.5s is not between"},
		"a day's window":       {func(s *config.Server) { s.RateWindow = 24 * time.Hour }, "rate-window: 24h0m0s is not between"},
		"a store":              {func(s *config.Server) { s.SharedStore = "redis://docket:" + secret + "@[::1]:6379/1" }, ""},
		"a store, TLS":         {func(s *config.Server) { s.SharedStore = "rediss://valkey" }, ""},
		"no store":             {func(s *config.Server) { s.SharedStore = "" }, "shared-store: must be memory, redis://HOST or"},
		"a store of no host":   {func(s *config.Server) { s.SharedStore = "redis:///1" }, "shared-store: must be"},
		"a store by its name":  {func(s *config.Server) { s.SharedStore = "redis://valkey/rates" }, "shared-store: must end with the number"},
		"another store":        {func(s *config.Server) { s.SharedStore = "memcached://:" + secret + "@host" }, "shared-store: must be"},
		"a store of no URL":    {func(s *config.Server) { s.SharedStore = "redis://:" + secret + "@host:port" }, "shared-store: must be"},
		"a proxy":              {func(s *config.Server) { s.TrustedProxies = "10.0.0.0/8, ::1, unix" }, ""},
		"a proxy's name":       {func(s *config.Server) { s.TrustedProxies = "nginx" }, `trusted-proxies: "nginx" is neither`},
		"everybody is a proxy": {func(s *config.Server) { s.TrustedProxies = "0.0.0.0/0" }, `trusted-proxies: "0.0.0.0/0" is everybody`},
		"no tokens":            {func(s *config.Server) { s.DocumentTokens = 0 }, "document-tokens: must be between 1 and"},
		"no repeats":           {func(s *config.Server) { s.DocumentRepeats = 0 }, "document-repeats: must be between 1 and"},
		"trusted, but which":   {func(s *config.Server) { s.TrustedDocumentsOnly = true }, "trusted-documents-only: needs trusted-documents"},
		"no time to read":      {func(s *config.Server) { s.ReadTimeout = 0 }, "read-timeout: 0s is not between"},
		"no body":              {func(s *config.Server) { s.BodyMax = 0 }, "body-max: must be between"},
		"a body of a GB":       {func(s *config.Server) { s.BodyMax = 1 << 30 }, "body-max: must be between"},
		"no operation":         {func(s *config.Server) { s.BatchMax = 0 }, "batch-max: must be between"},
		"origins": {func(s *config.Server) {
			s.CORSOrigins = []string{"https://a.example", "http://localhost:3000", "http://[::1]:1"}
		}, ""},
		"all origins":           {func(s *config.Server) { s.CORSOrigins = []string{"*"} }, `cors-origins: "*" is not an origin`},
		"origins of a pattern":  {func(s *config.Server) { s.CORSOrigins = []string{"https://*.example"} }, `cors-origins: "https://*.example" is not`},
		"an origin with a path": {func(s *config.Server) { s.CORSOrigins = []string{"https://a.example/"} }, `cors-origins: "https://a.example/" is not`},
		"an origin in capitals": {func(s *config.Server) { s.CORSOrigins = []string{"https://A.example"} }, `cors-origins: "https://A.example" is not`},
		"an origin with a name": {func(s *config.Server) { s.CORSOrigins = []string{"https://me@a.example"} }, `cors-origins: "https://me@a.example" is not`},
		"the origin of a file":  {func(s *config.Server) { s.CORSOrigins = []string{"null"} }, `cors-origins: "null" is not`},
		"hosts":                 {func(s *config.Server) { s.Hosts = []string{"docket.example", "docket"} }, ""},
		"a host with a port":    {func(s *config.Server) { s.Hosts = []string{"docket.example:80"} }, `hosts: "docket.example:80" is not`},
		"a host with a scheme":  {func(s *config.Server) { s.Hosts = []string{"https://docket.example"} }, `hosts: "https://docket.example" is not`},
		"an empty host":         {func(s *config.Server) { s.Hosts = []string{""} }, `hosts: "" is not`},
		"a host of a pattern":   {func(s *config.Server) { s.Hosts = []string{"*.example"} }, `hosts: "*.example" is not`},

		"no port":           {func(s *config.Server) { s.Listen = "localhost" }, `listen: "localhost" is not HOST:PORT`},
		"nothing to listen": {func(s *config.Server) { s.Listen = "" }, `listen: "" is not HOST:PORT`},
		"a port by name":    {func(s *config.Server) { s.Listen = "localhost:http" }, `listen: "http" is not a port`},
		"an empty port":     {func(s *config.Server) { s.Listen = "localhost:" }, `listen: "" is not a port`},
		"a port too high":   {func(s *config.Server) { s.Listen = "localhost:65536" }, `listen: "65536" is not a port`},
		"a port below zero": {func(s *config.Server) { s.Listen = "localhost:-1" }, `listen: "-1" is not a port`},
		"any port":          {func(s *config.Server) { s.Listen = "localhost:0" }, ""},
		"the highest port":  {func(s *config.Server) { s.Listen = "localhost:65535" }, ""},
		"the first wrong":   {func(s *config.Server) { s.Listen, s.Drain, s.SlotLength = "", -1, 0 }, "slot-length: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := valid()
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

// Without anyone checking who asks, only this machine is served.
func TestValidateAddresses(t *testing.T) {
	t.Parallel()
	for listen, loopback := range map[string]bool{
		"localhost:80": true, "127.0.0.1:80": true, "127.8.9.10:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true,
		":80": false, "0.0.0.0:80": false, "[::]:80": false, "192.168.1.2:80": false, "example.org:80": false, "localhost.example.org:80": false,
		"10.0.0.1:80": false, "[::ffff:10.0.0.1]:80": false,
	} {
		t.Run(listen, func(t *testing.T) {
			t.Parallel()
			s := valid()
			s.Listen = listen
			err := s.Validate()
			if loopback != (err == nil) {
				t.Errorf("got %v, want it accepted: %v", err, loopback)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "listen: ") || !strings.Contains(err.Error(), "--insecure")) {
				t.Errorf("%q does not say what to do", err)
			}
			s.OIDCIssuer, s.OIDCAudience = "https://id.example.org", "docket"
			if err := s.Validate(); err != nil {
				t.Errorf("with an identity provider: %v", err)
			}
			s.OIDCIssuer, s.OIDCAudience, s.Insecure = "", "", true
			if err := s.Validate(); err != nil {
				t.Errorf("insecure: %v", err)
			}
		})
	}
}

// Where others depend on a server, it does not keep its data in some file
// that was made where it happened to start.
func TestValidateEnvironments(t *testing.T) {
	t.Parallel()
	for environment, deployed := range map[config.Environment]bool{
		config.Local: false, config.Development: false, config.Staging: true, config.Production: true,
	} {
		t.Run(string(environment), func(t *testing.T) {
			t.Parallel()
			if environment.Deployed() != deployed {
				t.Errorf("deployed: %v, want %v", environment.Deployed(), deployed)
			}
			s := valid()
			s.Environment, s.CursorSecret = environment, "sixteen bytes, no fewer"
			err := s.Validate()
			if deployed != (err != nil) || err != nil && !strings.HasPrefix(err.Error(), "database: must be named") {
				t.Errorf("with the default database: %v", err)
			}
			s.Database = "sqlite:///var/lib/docket/docket.db"
			s.CursorSecret = ""
			if err := s.Validate(); deployed != (err != nil) || err != nil && !strings.HasPrefix(err.Error(), "cursor-secret: must be given") {
				t.Errorf("without a secret for cursors: %v", err)
			}
			s.CursorSecret = "sixteen bytes, no fewer"
			if err := s.Validate(); deployed != (err != nil) || err != nil && !strings.HasPrefix(err.Error(), "oidc-issuer: must be given") {
				t.Errorf("without an identity provider: %v", err)
			}
			s.OIDCIssuer, s.OIDCAudience = "https://id.example.org", "docket"
			if err := s.Validate(); err != nil {
				t.Errorf("with all that: %v", err)
			}
			s.Identity, s.Insecure = config.Identity{}, true
			if err := s.Validate(); err != nil {
				t.Errorf("insecure: %v", err)
			}
		})
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	s := config.Server{SlotLength: 1, AdvanceNotice: 2, HoldLength: 3}
	if got, want := s.Rules(), (booking.Rules{SlotLength: 1, AdvanceNotice: 2, HoldLength: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Where others cannot reach the server, nobody has to call it by a name of theirs.
func TestCalled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		listen string
		hosts  []string
		want   string
	}{
		{"localhost:8080", nil, "localhost"},
		{"127.0.0.1:8080", nil, "localhost"},
		{"[::1]:8080", nil, "localhost"},
		{"0.0.0.0:8080", nil, ""},
		{"0.0.0.0:8080", []string{"docket.example"}, "docket.example"},
		{"localhost:8080", []string{"docket.example"}, "docket.example"},
	} {
		s := valid()
		s.Listen, s.Hosts = test.listen, test.hosts
		if got := strings.Join(s.Called(), ","); got != test.want {
			t.Errorf("%s, %v: %q, want %q", test.listen, test.hosts, got, test.want)
		}
	}
}

// The profiler shows everybody's data: by itself it is only where nobody but this
// machine can reach it.
func TestProfiles(t *testing.T) {
	t.Parallel()
	on := map[string]bool{}
	for _, environment := range []config.Environment{config.Local, config.Development, config.Staging, config.Production} {
		for _, listen := range []string{"localhost:8080", "[::1]:0", "0.0.0.0:8080", ":8080", "192.0.2.1:80"} {
			s := valid()
			s.Environment, s.Listen, s.Insecure = environment, listen, true
			s.CursorSecret, s.Database = "a secret of the tests", "postgres://docket@localhost/docket?sslmode=disable"
			must(t, s.Validate())
			if s.Profiles() {
				on[string(environment)+" "+listen] = true
			}
			s.Profiler = "off"
			if must(t, s.Validate()); s.Profiles() {
				t.Errorf("%s, %s: off is on", environment, listen)
			}
			s.Profiler = "on"
			err := s.Validate()
			switch {
			case environment.Deployed():
				if err == nil || !strings.HasPrefix(err.Error(), "profiler: not in environment "+string(environment)) {
					t.Errorf("%s, %s: %v", environment, listen, err)
				}
			case !on[string(environment)+" "+listen]:
				if err == nil || !strings.HasPrefix(err.Error(), "profiler: it shows everybody's data, and others can reach") {
					t.Errorf("%s, %s: %v", environment, listen, err)
				}
			default:
				must(t, err)
			}
		}
	}
	if want := map[string]bool{"local localhost:8080": true, "local [::1]:0": true, "development localhost:8080": true, "development [::1]:0": true}; !maps.Equal(on, want) {
		t.Errorf("it is on in %v", on)
	}
}

func TestIntrospects(t *testing.T) {
	t.Parallel()
	for environment, auto := range map[config.Environment]bool{config.Local: true, config.Development: true, config.Staging: true, config.Production: false} {
		for setting, want := range map[string]bool{"auto": auto, "on": true, "off": false} {
			if got := (config.Documents{Introspection: setting}).Introspects(environment); got != want {
				t.Errorf("%s in %s: %v", setting, environment, got)
			}
		}
	}
}
