package telemetry_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"docket/internal/telemetry"
)

// The variables are the process's, so these tests are not parallel.

func TestVariables(t *testing.T) {
	const secret = "s3cr3t"
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, test := range map[string]struct {
		variables map[string]string
		wrong     string // what the error begins with; "" for none
		nothing   bool   // nothing is wanted
	}{
		"none":                  {nil, "", true},
		"an endpoint":           {map[string]string{endpoint: "http://localhost:4318"}, "", false},
		"for traces":            {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://otlp.example/v1/traces"}, "", false},
		"all off":               {map[string]string{endpoint: "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}, "", true},
		"disabled":              {map[string]string{endpoint: "http://localhost:4318", "OTEL_SDK_DISABLED": "true"}, "", true},
		"one percent":           {map[string]string{endpoint: "http://localhost:4318", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}, "", false},
		"headers":               {map[string]string{endpoint: "http://localhost:4318", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=" + secret + ",x-scope=a%20b"}, "", false},
		"the protocol":          {map[string]string{endpoint: "http://localhost:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "", false},
		"no URL":                {map[string]string{endpoint: "localhost:4318"}, endpoint + ": must be http://", false},
		"a password in it":      {map[string]string{endpoint: "http://me:" + secret + "@localhost:4318"}, endpoint + ": must be http://", false},
		"no URL of logs":        {map[string]string{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "ftp://" + secret}, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: must be http://", false},
		"gRPC":                  {map[string]string{endpoint: "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf", false},
		"gRPC for metrics":      {map[string]string{endpoint: "http://localhost:4317", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: must be", false},
		"another exporter":      {map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: must be otlp or none", false},
		"a header without name": {map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "a=b," + secret}, "OTEL_EXPORTER_OTLP_HEADERS: number 2 is not NAME=VALUE", false},
		"a header of two words": {map[string]string{"OTEL_EXPORTER_OTLP_LOGS_HEADERS": "api key=" + secret}, "OTEL_EXPORTER_OTLP_LOGS_HEADERS: number 1", false},
		"not percent-encoded":   {map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=" + secret + "%zz"}, "OTEL_EXPORTER_OTLP_HEADERS: number 1", false},
		"two lines":             {map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=" + secret + "%0d%0aa:b"}, "OTEL_EXPORTER_OTLP_HEADERS: number 1", false},
		"another sampler":       {map[string]string{"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "OTEL_TRACES_SAMPLER: must be", false},
		"more than all":         {map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.01"}, "OTEL_TRACES_SAMPLER_ARG: must be between", false},
		"no number":             {map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "NaN"}, "OTEL_TRACES_SAMPLER_ARG: must be between", false},
		"no attributes":         {map[string]string{endpoint: "http://localhost:4318", "OTEL_RESOURCE_ATTRIBUTES": secret}, "OTEL_RESOURCE_ATTRIBUTES: ", false},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range test.variables {
				t.Setenv(variable, value)
			}
			told, err := telemetry.Start(t.Context(), telemetry.Settings{Log: slog.DiscardHandler, Clock: time.Now})
			switch {
			case test.wrong == "" && err != nil, test.wrong != "" && (err == nil || !strings.HasPrefix(err.Error(), test.wrong)):
				t.Errorf("got %v, want %q", err, test.wrong)
			case err != nil && strings.Contains(err.Error(), secret):
				t.Errorf("%v gives the secret away", err)
			case test.nothing != (told == nil) && err == nil:
				t.Errorf("nothing is wanted: %v", told == nil)
			}
		})
	}
}
