package telemetry

import (
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// signals are those that are exported by OTLP.
type signals struct{ traces, metrics, logs bool }

// variable is an environment variable of the OpenTelemetry specification ("General
// SDK Configuration", "OTLP Exporter Configuration"). The SDK reads them too, but
// complains of what is wrong by showing it, and goes on.
func variable(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// exports are the signals for which an endpoint is given.
func exports() (wanted signals, err error) {
	if strings.EqualFold(variable("OTEL_SDK_DISABLED"), "true") {
		return wanted, nil
	}
	for _, s := range []struct {
		name string
		to   *bool
	}{{"TRACES", &wanted.traces}, {"METRICS", &wanted.metrics}, {"LOGS", &wanted.logs}} {
		if *s.to, err = exported(s.name); err != nil {
			return signals{}, err
		}
	}
	if err := pairs("OTEL_RESOURCE_ATTRIBUTES"); err != nil {
		return signals{}, err
	}
	return wanted, sampler()
}

// exported reports whether the signal has somewhere to go.
func exported(signal string) (bool, error) {
	switch name := "OTEL_" + signal + "_EXPORTER"; variable(name) {
	case "none":
		return false, nil
	case "", "otlp":
	default:
		return false, fmt.Errorf("%s: must be otlp or none", name)
	}
	const all = "OTEL_EXPORTER_OTLP"
	one := all + "_" + signal
	for _, prefix := range []string{one, all} {
		if p := variable(prefix + "_PROTOCOL"); p != "" && p != "http/protobuf" {
			return false, fmt.Errorf("%s_PROTOCOL: must be http/protobuf, which is all that is spoken here", prefix)
		}
		if err := pairs(prefix + "_HEADERS"); err != nil {
			return false, err
		}
	}
	for _, prefix := range []string{one, all} {
		name := prefix + "_ENDPOINT"
		if variable(name) == "" {
			continue
		}
		u, err := url.Parse(variable(name))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
			return false, fmt.Errorf("%s: must be http://HOST:PORT or https://HOST:PORT; what is secret belongs in OTEL_EXPORTER_OTLP_HEADERS", name)
		}
		return true, nil
	}
	return false, nil
}

// pairs checks a list as W3C Baggage writes it: NAME=VALUE, with commas between.
func pairs(name string) error {
	if variable(name) == "" {
		return nil
	}
	for i, pair := range strings.Split(variable(name), ",") {
		key, value, ok := strings.Cut(pair, "=")
		key, unescaped := strings.TrimSpace(key), error(nil)
		if value, unescaped = url.PathUnescape(value); !ok || key == "" || unescaped != nil ||
			strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~") != "" || strings.ContainsAny(value, "\r\n\x00") {
			return fmt.Errorf("%s: number %d is not NAME=VALUE, percent-encoded", name, i+1)
		}
	}
	return nil
}

// sampler checks how traces are chosen.
func sampler() error {
	switch variable("OTEL_TRACES_SAMPLER") {
	case "", "always_on", "always_off", "parentbased_always_on", "parentbased_always_off":
		return nil
	case "traceidratio", "parentbased_traceidratio":
		if arg := variable("OTEL_TRACES_SAMPLER_ARG"); arg != "" {
			if ratio, err := strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
				return fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: must be between 0 and 1, the part of the traces to keep")
			}
		}
		return nil
	}
	return fmt.Errorf("OTEL_TRACES_SAMPLER: must be always_on, always_off, traceidratio, or parentbased_ and one of these")
}
