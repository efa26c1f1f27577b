package telemetry

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"runtime/debug"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// described is what all telemetry of this process says of where it comes from.
// OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME have the last word.
func described(ctx context.Context, environment string) (*resource.Resource, error) {
	version, _ := build()
	r, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithHost(),
		resource.WithAttributes(
			semconv.ServiceName("docket"), semconv.ServiceVersion(version), semconv.ServiceInstanceID(rand.Text()),
			attribute.String(string(semconv.DeploymentEnvironmentNameKey), environment),
		),
		resource.WithFromEnv(),
	)
	if errors.Is(err, resource.ErrPartialResource) { // a machine need not have a name
		err = nil
	}
	return r, err
}

// build is what the Go command stamped into the binary.
func build() (version, revision string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", "unknown"
	}
	revision = "unknown"
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return info.Main.Version, revision
}

// attributes are those of each line of the log, by the names that DataDog gives
// them ("Unified Service Tagging").
func (t *Telemetry) attributes() []slog.Attr {
	said := func(name string, key attribute.Key) slog.Attr {
		v, _ := t.resource.Set().Value(key)
		return slog.String(name, v.AsString())
	}
	return []slog.Attr{
		said("service", semconv.ServiceNameKey), said("env", semconv.DeploymentEnvironmentNameKey), said("version", semconv.ServiceVersionKey),
	}
}
