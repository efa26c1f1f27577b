package deploy_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDatadog has the settings of DataDog's agent and the types of its API read
// what it is told.
func TestDatadog(t *testing.T) {
	t.Parallel()
	var ignored any
	for _, test := range []struct{ kind, file, old, planted, said string }{
		{"datadog-agent", "datadog.yaml", "otlp_config:", "otlp:", "otlp."},
		{"datadog-agent", "datadog.yaml", "\nlogs_enabled", "\nlogz_enabled", "logz_enabled"},
		{"datadog-agent", "datadog.yaml", "secret_backend_type", "secret_backend_kind", "secret_backend_kind"},
		{"datadog-check", "docket.d/conf.yaml", "\nlogs:", "\nlog:", "log"},
		{"datadog-check", "docket.d/conf.yaml", "type: journald", "type: journal", "journal"},
		{"datadog-check", "docket.d/conf.yaml", "include_units:", "include_unit:", "include_unit"},
		{"datadog-check", "postgres.d/conf.yaml", "\ninstances:", "\ninstance:", "instance"},
		{"datadog-check", "postgres.d/conf.yaml", "username:", "user:", "user"},
		{"datadog-check", "postgres.d/conf.yaml", "port: 5432", "port: five", "five"},
		{"datadog-check", "postgres.d/conf.yaml", "ENC[postgres_password]", "secret", "written down"},
		{"datadog-check", "postgres.d/conf.yaml", "ssl: prefer", "ssl: preferred", "preferred"},
		{"datadog-monitors", "monitors.json", `"query alert"`, `"queryalert"`, "not understood"},
		{"datadog-monitors", "monitors.json", `"thresholds"`, `"threshold"`, "threshold"},
		{"datadog-monitors", "monitors.json", `"query":`, `"queri":`, "query"},
		{"datadog-percentiles", "percentiles.json", `"distribution"`, `"histogram"`, "not understood"},
		{"datadog-percentiles", "percentiles.json", `"include_percentiles"`, `"percentiles"`, "percentiles"},
		{"datadog-percentiles", "percentiles.json", `"tags"`, `"tag"`, "tags"},
		{"datadog-pipeline", "pipeline.json", `"trace-id-remapper"`, `"trace-remapper"`, "not understood"},
		{"datadog-pipeline", "pipeline.json", `"sources"`, `"source"`, "not understood"},
	} {
		text := read(t, "monitoring/datadog/"+test.file)
		if err := check(t, test.kind, text, &ignored); err != nil {
			t.Errorf("%s: %v", test.file, err)
		}
		if !strings.Contains(text, test.old) {
			t.Errorf("%s has no %q", test.file, test.old)
		}
		refused(t, check(t, test.kind, strings.Replace(text, test.old, test.planted, 1), &ignored), test.said)
	}
}

// TestDatadogMonitors checks that monitors ask for what docket has, in the way in
// which DataDog has it, and lead to a heading of the runbook.
func TestDatadogMonitors(t *testing.T) {
	t.Parallel()
	const file = "monitoring/datadog/monitors.json"
	text := read(t, file)
	if wrong := monitorsAskInVain(t, text); len(wrong) > 0 {
		t.Error(strings.Join(wrong, "\n"))
	}
	for old, planted := range map[string][2]string{
		"docket.errors{":                   {"docket.error{", "docket.error "},
		"db.client.connection.max{":        {"db.client.connections.max{", "db.client.connections.max"},
		"docket.operation.duration.count{": {"docket.operation.duration{", "sum of seconds"},
		"p95:docket.operation.duration{":   {"p95:http.server.request.duration{", "percentiles"},
		"operations.md#docketgone":         {"operations.md#docketwent", "docketwent"},
		"postgresql.replication_delay{":    {"postgres.replication_delay{", "postgres.replication_delay"},
	} {
		if said := strings.Join(monitorsAskInVain(t, replaced(t, text, old, planted[0])), "\n"); !strings.Contains(said, planted[1]) {
			t.Errorf("%q is planted, and what is said is %q", planted[0], said)
		}
	}
}

var (
	asked     = regexp.MustCompile(`\b(sum|avg|max|min|p50|p95|p99):([a-z_.]+)\{[^}]*\}(?: by \{[^}]*\})?(\.as_count\(\))?`)
	headings  = regexp.MustCompile(`(?m)^###? (.+)$`)
	telemetry = regexp.MustCompile("(?m)^\\| (`[a-z_]+`.*?) \\|")
	metric    = regexp.MustCompile("`([a-z]+_[a-z_]+)`")
	runbook   = regexp.MustCompile(`docs/operations\.md#([a-z-]+)`)
)

// monitorsAskInVain is what is wrong with the monitors.
func monitorsAskInVain(t *testing.T, text string) (wrong []string) {
	t.Helper()
	var monitors []struct{ Name, Query, Message string }
	if err := json.Unmarshal([]byte(text), &monitors); err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Data struct{ ID string }
	}
	if err := json.Unmarshal([]byte(read(t, "monitoring/datadog/percentiles.json")), &kept); err != nil {
		t.Fatal(err)
	}
	kinds := otlpNames(t)
	var anchors []string
	for _, heading := range headings.FindAllStringSubmatch(read(t, "../docs/operations.md"), -1) {
		anchors = append(anchors, strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-"))
	}
	say := func(monitor, format string, about ...any) {
		wrong = append(wrong, monitor+": "+fmt.Sprintf(format, about...))
	}
	for _, m := range monitors {
		to := runbook.FindStringSubmatch(m.Message)
		if to == nil || !slices.Contains(anchors, to[1]) {
			say(m.Name, "it does not lead to a heading of docs/operations.md: %q", to)
		}
		queries := asked.FindAllStringSubmatch(m.Query, -1)
		if len(queries) == 0 {
			say(m.Name, "it asks for nothing")
		}
		for _, q := range queries {
			how, name, counted := q[1], q[2], q[3] != ""
			switch percentile := how[0] == 'p'; {
			case strings.HasPrefix(name, "postgresql.") || strings.HasPrefix(name, "system."): // the agent's own
			case kinds[name] == "":
				say(m.Name, "docs/telemetry.md has no %s to ask for", name)
			case percentile && name != kept.Data.ID:
				say(m.Name, "percentiles.json does not keep percentiles of %s", name)
			case counted && kinds[name] == "histogram":
				say(m.Name, "%s is a distribution: this is a sum of seconds, not how many", name)
			}
		}
	}
	return wrong
}

// otlpNames are the metrics of docs/telemetry.md, as the agent names them, and what
// they are: dots for underscores, without unit and _total; beside a histogram is
// how many there were.
func otlpNames(t *testing.T) map[string]string {
	t.Helper()
	kinds := map[string]string{}
	for _, row := range telemetry.FindAllStringSubmatch(read(t, "../docs/telemetry.md"), -1) {
		for _, name := range metric.FindAllStringSubmatch(row[1], -1) {
			kind := "counter or gauge"
			bare := strings.TrimSuffix(name[1], "_total")
			for _, unit := range []string{"_seconds", "_bytes"} {
				bare = strings.TrimSuffix(bare, unit)
			}
			dotted := strings.ReplaceAll(bare, "_", ".")
			if strings.Contains(row[1], "` histogram") {
				kind = "histogram"
				kinds[dotted+".count"] = "counter"
			}
			kinds[dotted] = kind
		}
	}
	return kinds
}
