package deploy_test

import (
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"docket/internal/programtest"
)

// TestPrometheus has promtool read the configuration.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	if err := prometheusReads(t, "monitoring/prometheus.yml"); err != nil {
		t.Error(err)
	}
	text := read(t, "monitoring/prometheus.yml")
	_, port, err := net.SplitHostPort(compose(t).Services["docket"].Environment["DOCKET_ADMIN"])
	if err != nil || !strings.Contains(text, "names: [docket]") || !strings.Contains(text, "port: "+port+" ") {
		t.Errorf("docket is not looked for at port %q (%v)", port, err)
	}
	for old, planted := range map[string][2]string{
		"dns_sd_configs:":       {"dns_sd_config:", "dns_sd_config"},
		"type: A":               {"type: AAAAA", "AAAAA"},
		"scrape_interval: 15s":  {"scrape_interval: 15", "not a valid duration"},
		"- job_name: docket":    {"- job_name: prometheus", "multiple scrape configs"},
		"refresh_interval: 5s":  {"refresh_interval: five", "five"},
		"  - rules/*.yml":       {"  - rules/[.yml", "pattern"},
		"evaluation_interval: ": {"evaluation_intervall: ", "evaluation_intervall"},
	} {
		file := filepath.Join(t.TempDir(), "prometheus.yml")
		if err := os.WriteFile(file, []byte(replaced(t, text, old, planted[0])), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, prometheusReads(t, file), planted[1])
	}
}

func prometheusReads(t *testing.T, file string) error {
	t.Helper()
	program, err := exec.LookPath("promtool")
	programtest.Need(t, "promtool", err)
	if out, err := exec.CommandContext(t.Context(), program, "check", "config", file).CombinedOutput(); err != nil {
		return errors.New(string(out))
	}
	return nil
}

// TestGrafana checks that what Grafana is told fits to what compose.yml runs.
func TestGrafana(t *testing.T) {
	t.Parallel()
	var sources struct {
		Datasources []struct {
			UID, URL string
			JSONData struct{ TimeInterval string }
		}
	}
	var folders struct {
		Providers []struct{ Options struct{ Path string } }
	}
	const source, dashboards = "monitoring/grafana/datasources/prometheus.yml", "monitoring/grafana/dashboards/files.yml"
	for file, told := range map[string]any{source: &sources, dashboards: &folders} {
		if err := check(t, "grafana", read(t, file), told); err != nil {
			t.Fatal(file, err)
		}
	}
	p, from := compose(t), sources.Datasources[0]
	at, err := url.Parse(from.URL)
	if _, ok := p.Services[at.Hostname()]; err != nil || !ok || from.UID != "prometheus" {
		t.Errorf("the data source is %+v (%v)", from, err)
	}
	if every := from.JSONData.TimeInterval; !strings.Contains(read(t, "monitoring/prometheus.yml"), "scrape_interval: "+every+"\n") {
		t.Errorf("Prometheus does not ask every %s", every)
	}
	mounted := map[string]string{}
	for _, v := range p.Services["grafana"].Volumes {
		mounted[v.Target] = v.Source
	}
	for target, file := range map[string]string{
		"/etc/grafana/provisioning/datasources": source, folders.Providers[0].Options.Path: dashboards,
	} {
		if !strings.HasSuffix(mounted[target], "/deploy/"+filepath.Dir(file)) {
			t.Errorf("at %s is %q, not the folder of %s", target, mounted[target], file)
		}
	}

	var ignored any
	refused(t, check(t, "grafana", replaced(t, read(t, source), "isDefault", "default"), &ignored), "default")
	refused(t, check(t, "grafana", replaced(t, read(t, source), "apiVersion: 1", "apiVersion: 0"), &ignored), "apiVersion")
	refused(t, check(t, "grafana", replaced(t, read(t, dashboards), "allowUiUpdates: false", "allowUiUpdates: perhaps"), &ignored), "perhaps")
	refused(t, check(t, "grafana", replaced(t, read(t, dashboards), "providers", "provider"), &ignored), "provider")
}

// TestMonitoringIsApart checks that monitoring comes with its profile only, for
// this machine only.
func TestMonitoringIsApart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"prometheus", "grafana", "postgres-exporter", "node-exporter"} {
		s := compose(t).Services[name]
		if strings.HasSuffix(name, "-exporter") && len(s.Ports) > 0 {
			t.Errorf("%s is for Prometheus only, and is shown at %v", name, s.Ports)
		}
		if len(s.Profiles) != 1 || s.Profiles[0] != "monitoring" {
			t.Errorf("%s comes with %q", name, s.Profiles)
		}
		for _, port := range s.Ports {
			if !net.ParseIP(port.HostIP).IsLoopback() {
				t.Errorf("%s is shown at %q", name, port.HostIP)
			}
		}
	}
}
