package leaks_test

import (
	"slices"
	"testing"
)

// TestStart starts servers that cannot, each with a secret in a setting.
func TestStart(t *testing.T) {
	t.Parallel()
	for name, setting := range secretives {
		for way, give := range ways {
			t.Run(name+" by "+way, func(t *testing.T) {
				t.Parallel()
				s := plant("value of " + name)
				for _, value := range setting.values(s) {
					variables, args := give(t, name, value)
					out, err := run(t, variables, slices.Concat([]string{"serve"}, args, setting.args)...)
					if err == nil {
						t.Errorf("a server starts with %q", value)
					}
					tell(t, []secret{s}, "serve with "+value, out)
				}
			})
		}
	}
}

// TestVariables starts servers with what others define: variables of OpenTelemetry
// that are wrong, or whose receiver is not there.
func TestVariables(t *testing.T) {
	t.Parallel()
	s := plant("receiver's key")
	for _, variable := range []string{
		"OTEL_EXPORTER_OTLP_HEADERS=" + s.String(),
		"OTEL_EXPORTER_OTLP_HEADERS=api key=" + s.String(),
		"OTEL_EXPORTER_OTLP_HEADERS=api-key=" + s.with("%zz"),
		"OTEL_EXPORTER_OTLP_LOGS_HEADERS=api-key=" + s.with("%0a"),
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://me:" + s.String() + "@localhost:1",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + s.String(),
		"OTEL_RESOURCE_ATTRIBUTES=" + s.String(),
	} {
		out, err := run(t, []string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://localhost:1", variable}, "serve", "--listen", "localhost:0")
		if err == nil {
			t.Errorf("a server starts with %q", variable)
		}
		tell(t, []secret{s}, "serve with "+variable, out)
	}
}

// TestCommands runs the other commands, and what was mistyped, with secrets in
// all settings.
func TestCommands(t *testing.T) {
	t.Parallel()
	s := plant("secret")
	variables := []string{"PGPASSWORD=" + s.String()}
	for name, setting := range secretives {
		set, _ := ways["variable"](t, name, setting.values(s)[0])
		variables = append(variables, set...)
	}
	url := urls("postgres")(s)[0]
	for name, args := range map[string][]string{
		"help":                   {"--help"},
		"help of serve":          {"serve", "--help"},
		"help of migrate":        {"migrate", "apply", "--help"},
		"version":                {"version"},
		"health":                 {"healthcheck", "--listen", "localhost:1"},
		"no command":             {},
		"apply":                  {"migrate", "apply"},
		"status":                 {"migrate", "status"},
		"apply elsewhere":        {"migrate", "apply", "--dir", "/nowhere"},
		"apply by flag":          {"migrate", "apply", "--database", url},
		"no such flag":           {"serve", "--databse=" + url},
		"no such flag, two args": {"serve", "--databse", url},
		"flag forgotten":         {"serve", url},
		"flag forgotten again":   {"migrate", "status", url},
		"command forgotten":      {url},
		"a space too many":       {"serve", "--cursor-secret=", s.String()},
		"no value":               {"serve", "--cursor-secret"},
		"wrong elsewhere":        {"serve", "--page-max", "many"},
		"wrong environment":      {"serve", "--environment", "moon"},
		"no such file":           {"serve", "--config", "/nowhere"},
		"file cut off":           {"serve", "--config", write(t, []byte(`{"cursor-secret": "`+s.String()+`", "database": "`+url))},
		"file without quotes":    {"serve", "--config", write(t, []byte(`{"cursor-secret": `+s.String()+`}`))},
		"file of texts":          {"serve", "--config", write(t, []byte(`{"cursor-secret": ["`+s.String()+`"]}`))},
		"file of objects":        {"serve", "--config", write(t, []byte(`{"cursor-secret": {"value": "`+s.String()+`"}}`))},
		"file of one text":       {"serve", "--config", write(t, []byte(`"`+s.String()+`"`))},
		"file with more":         {"serve", "--config", write(t, []byte(`{} "`+s.String()+`"`))},
		"file with a mistype":    {"serve", "--config", write(t, []byte(`{"cursor-sekret": "`+s.String()+`"}`))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, _ := run(t, variables, args...) // most fail, and how is up to other tests
			if len(out) == 0 {
				t.Error("says nothing")
			}
			tell(t, []secret{s}, name, out)
		})
	}
}
