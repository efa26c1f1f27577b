package deploy_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"docket/internal/programtest"
)

const rules, ruleTests = "monitoring/rules/docket.yml", "monitoring/rules_test.yml"

var alertNames = regexp.MustCompile(`(?m)^ +- alert: (\w+)$`)

// TestAlerts has promtool try each alert in silence and in trouble. Where none ever
// speaks, it misses each of them.
func TestAlerts(t *testing.T) {
	t.Parallel()
	text, tests := read(t, rules), read(t, ruleTests)
	if err := rulesHold(t, text, tests); err != nil {
		t.Fatal(err)
	}
	refused(t, rulesHold(t, replaced(t, text, "sum by (operation, type", "sumby (operation, type"), tests), "parse error")
	refused(t, rulesHold(t, replaced(t, text, "14.4 * 0.001", "144 * 0.001"), tests), "DocketFailsFast")
	never := regexp.MustCompile(`(- alert: .*\n +expr: ).*`).ReplaceAllString(text, "${1}vector(0) > 1")
	dropped, operations := rulesHold(t, never, tests), read(t, "../docs/operations.md")
	for _, alert := range alertNames.FindAllStringSubmatch(text, -1) {
		refused(t, dropped, "alertname: "+alert[1]+",")
		if !strings.Contains(operations, "\n### "+alert[1]+"\n") {
			t.Errorf("docs/operations.md does not say what to do about %s", alert[1])
		}
	}
}

// rulesHold runs the tests of rules on them.
func rulesHold(t *testing.T, rules, tests string) error {
	t.Helper()
	if out, err := promtool(t, rules, replaced(t, tests, "rules/docket.yml", "rules.yml")); err != nil {
		return errors.New(out)
	}
	return nil
}

// promtool runs it on rules, and on tests of them.
func promtool(t *testing.T, rules, tests string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	programtest.Need(t, "promtool", err)
	dir := t.TempDir()
	for name, text := range map[string]string{"rules.yml": rules, "tests.yml": tests} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), path, "test", "rules", filepath.Join(dir, "tests.yml")).CombinedOutput()
	return string(out), err
}

// TestDashboard has Grafana's schema read the dashboard.
func TestDashboard(t *testing.T) {
	t.Parallel()
	const file = "monitoring/grafana/dashboards/docket.json"
	text, ignored := read(t, file), any(nil)
	if err := check(t, "dashboard", text, &ignored); err != nil {
		t.Error(err)
	}
	refused(t, check(t, "dashboard", strings.Replace(text, `"legendFormat"`, `"legend"`, 1), &ignored), "legend")
	refused(t, check(t, "dashboard", strings.Replace(text, `"gridPos"`, `"position"`, 1), &ignored), "position")
	refused(t, check(t, "dashboard", strings.Replace(text, `"placement"`, `"place"`, 1), &ignored), "place")
}
