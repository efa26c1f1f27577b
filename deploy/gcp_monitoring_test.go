package deploy_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// checksUptime asks a server what the uptime check asks, and looks for what it
// looks for.
func checksUptime(t *testing.T, all resources, address string) {
	t.Helper()
	check := all.of("google_monitoring_uptime_check_config")[0]
	body, err := base64.StdEncoding.DecodeString(fmt.Sprint(check.at("http_check.0.body")))
	if err != nil {
		t.Fatal(err)
	}
	status, answer := requested(t, "http://"+address+fmt.Sprint(check.at("http_check.0.path")), string(body))
	want := fmt.Sprint(check.at("content_matchers.0.content"))
	if status != http.StatusOK || len(want) < 10 || !strings.Contains(answer, want) {
		t.Errorf("the uptime check finds no %q in %d %s", want, status, answer)
	}
}

// requested asks for a page or, with a body, posts it as JSON.
func requested(t *testing.T, url, body string) (status int, answer string) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// TestGoogleAlerts has Prometheus evaluate the queries of the alerts on what Cloud
// Monitoring would have: what is well rings no alarm, what is not rings one.
func TestGoogleAlerts(t *testing.T) {
	t.Parallel()
	const (
		run = `monitored_resource="cloud_run_revision",service_name="docket",revision_name="docket-2"`
		sql = `monitored_resource="cloudsql_database",database_id="CHANGE-ME-production:docket-production`
	)
	// The series by what is well, and by what is not: values at each minute of 30.
	series := map[string]struct{ series, well, ill string }{
		"error-ratio":   {`run_googleapis_com:request_count{` + run + `,response_code_class="5xx"}`, "0+1x30", "0+50x30"},
		"latency":       {`run_googleapis_com:request_latencies_bucket{` + run + `,le="2048"}`, "0+999x30", "0+985x30"},
		"errors-logged": {`logging_googleapis_com:user_docket_errors{` + run + `}`, "0x30", "0+1x30"},
		"instances":     {`run_googleapis_com:container_instance_count{` + run + `,state="active"}`, "2x30", "10x30"},

		"database-cpu":         {`cloudsql_googleapis_com:database_cpu_utilization{` + sql + `"}`, "0.3x30", "0.9x30"},
		"database-disk":        {`cloudsql_googleapis_com:database_disk_utilization{` + sql + `"}`, "0.3x30", "0.95x30"},
		"database-connections": {`cloudsql_googleapis_com:database_postgresql_num_backends{` + sql + `",database="docket"}`, "32x30", "350x30"},
		"replication-lag":      {`cloudsql_googleapis_com:database_replication_replica_lag{` + sql + `-replica-0"}`, "0.1x30", "90x30"},
	}
	const others = `      - {series: 'run_googleapis_com:request_count{` + run + `,response_code_class="2xx"}', values: '0+1000x30'}
      - {series: 'run_googleapis_com:request_latencies_bucket{` + run + `,le="+Inf"}', values: '0+1000x30'}
      - {series: 'run_googleapis_com:request_latencies_bucket{` + run + `,le="1024"}', values: '0+980x30'}
      - {series: 'run_googleapis_com:request_latencies_bucket{` + run + `,le="4096"}', values: '0+1000x30'}
`
	var rules strings.Builder
	rules.WriteString("groups:\n- name: alerts\n  rules:\n")
	seen := 0
	for _, policy := range plannedEnvironment(t, "production").of("google_monitoring_alert_policy") {
		if channels := texts(policy.at("notification_channels")); len(channels) == 0 {
			t.Errorf("%v tells nobody", policy.at("display_name"))
		}
		name := strings.TrimPrefix(fmt.Sprint(policy.at("display_name")), "docket-production ")
		if !strings.Contains(read(t, "../docs/google-cloud.md"), "| `"+name+"` |") {
			t.Errorf("docs/google-cloud.md does not say what to do about %s", name)
		}
		const condition = "conditions.0.condition_prometheus_query_language.0."
		query := policy.at(condition + "query")
		if query == nil {
			continue // the uptime check
		}
		seen++
		fmt.Fprintf(&rules, "  - {alert: %s, for: %v, expr: '%s'}\n", name, policy.at(condition+"duration"), query)
	}
	if seen != len(series) {
		t.Fatalf("%d alerts have a query, and %d are tested", seen, len(series))
	}
	var tests strings.Builder
	tests.WriteString("rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n")
	for name := range series {
		tests.WriteString("  - interval: 1m\n    input_series:\n" + others)
		for other, s := range series {
			values := s.well
			if other == name {
				values = s.ill
			}
			fmt.Fprintf(&tests, "      - {series: '%s', values: '%s'}\n", s.series, values)
		}
		tests.WriteString("    alert_rule_test:\n")
		for other := range series {
			fmt.Fprintf(&tests, "      - {eval_time: 28m, alertname: %s, exp_alerts: [", other)
			if other == name {
				labels := ""
				switch name {
				case "database-cpu", "database-disk":
					labels = sql + `"`
				case "replication-lag":
					labels = strings.Split(sql, ",")[1] + `-replica-0"`
				}
				fmt.Fprintf(&tests, "{exp_labels: {%s}}", strings.ReplaceAll(labels, "=", ": "))
			}
			tests.WriteString("]}\n")
		}
	}
	if out, err := promtool(t, rules.String(), tests.String()); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := promtool(t, replaced(t, rules.String(), "> 0.01", "> 0.9"), tests.String()); err == nil || !strings.Contains(out, "error-ratio") {
		t.Errorf("a planted mistake is not seen: %s", out)
	}
	if out, err := promtool(t, replaced(t, rules.String(), "sum(rate(", "sum(rated("), tests.String()); err == nil || !strings.Contains(out, "rated") {
		t.Errorf("a planted mistake is not seen: %s", out)
	}
}
