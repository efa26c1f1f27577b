package deploy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"docket/internal/pgtest"
	"docket/internal/programtest"
)

// unseen are metrics that this test does not bring about: they come with TLS, with
// an identity provider, with a collector, and where many want the same rows; the
// tests of those have them. One is of newer exporters of PostgreSQL than Debian's.
var unseen = []string{"pg_replication_is_replica", "docket_transaction_retries_total", "docket_certificate_expiry_seconds", "docket_identity_key_fetches_total", "docket_telemetry_export_failures_total"}

// Every query of the dashboard, and every metric of the rules, is there in a
// Prometheus that asks real servers, a PostgreSQL that is followed, and this machine.
func TestDashboardQueries(t *testing.T) {
	t.Parallel()
	w := watch(t)
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "monitoring/grafana/dashboards/docket.json")), &board); err != nil {
		t.Fatal(err)
	}
	asked := map[string]string{}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			asked[target.Expr] = panel.Title
		}
	}
	names := regexp.MustCompile(`\b(docket|db_client|pg|node)_[a-z_]+\b`)
	for _, line := range strings.Split(read(t, rules), "\n") {
		if _, expr, found := strings.Cut(line, "expr: "); found {
			for _, name := range names.FindAllString(expr, -1) {
				asked["count("+name+")"] = "rules"
			}
		}
	}
	if len(asked) < 50 {
		t.Fatalf("only %d queries are found", len(asked))
	}
	asked["sum(docket_operation_duration_seconds_counted)"] = "planted"
	var empty []string
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		empty = nil
		for expr, where := range asked {
			if without := slices.ContainsFunc(unseen, func(name string) bool { return strings.Contains(expr, name) }); !without && w.series(t, expr) == 0 {
				empty = append(empty, where+": "+expr)
			}
		}
		if len(empty) <= 1 || time.Now().After(end) {
			break
		}
	}
	slices.Sort(empty)
	if len(empty) != 1 || !strings.HasPrefix(empty[0], "planted") {
		t.Errorf("of %d queries these have no answer, want the planted one alone:\n%s", len(asked), strings.Join(empty, "\n"))
	}
}

// watcher is a Prometheus.
type watcher struct{ url string }

// series is how many series a query answers with.
func (w watcher) series(t *testing.T, expr string) int {
	t.Helper()
	expr = strings.NewReplacer("$__rate_interval", "20s", "$instance", ".*").Replace(expr)
	_, _, body := do(t, get(t, w.url+"/api/v1/query?query="+url.QueryEscape(expr)))
	var answer struct {
		Error string
		Data  struct{ Result []json.RawMessage }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Error != "" {
		t.Fatalf("%s: %s %v", expr, body, err)
	}
	return len(answer.Data.Result)
}

// watch has a Prometheus with the committed configuration ask two servers that
// work, PostgreSQL with a standby, and this machine.
func watch(t *testing.T) watcher {
	t.Helper()
	primary := pgtest.NewPrimary(t)
	pgtest.NewStandby(t, primary)
	top := newTopologyOn(t, primary.DSN("postgres"), 1, "DOCKET_DRAIN=0s")
	var admins []string
	for range 2 {
		admin := freeAddress(t)
		s := top.Serve(t, append(slices.Clone(top.env), "DOCKET_LISTEN="+freeAddress(t), "DOCKET_ADMIN="+admin))
		admins = append(admins, admin)
		go work(t, "http://"+s.Address)
	}
	postgres, node := freeAddress(t), freeAddress(t)
	start(t, []string{"DATA_SOURCE_NAME=" + primary.DSN("postgres")}, "prometheus-postgres-exporter", "--web.listen-address="+postgres)
	start(t, nil, "prometheus-node-exporter", "--web.listen-address="+node)
	dir := shared(t)
	text := replaced(t, read(t, "monitoring/prometheus.yml"), "postgres-exporter:9187", postgres, "node-exporter:9100", node, "15s", "1s")
	text = regexp.MustCompile(`(?s)dns_sd_configs:.*?refresh_interval: \w+`).ReplaceAllString(text, fmt.Sprintf("static_configs: [{targets: [%s]}]", strings.Join(admins, ", ")))
	for name, content := range map[string]string{"prometheus.yml": text, "rules/docket.yml": read(t, rules)} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := watcher{"http://" + freeAddress(t)}
	start(t, nil, "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+strings.TrimPrefix(w.url, "http://"))
	within(t, "Prometheus answers", func() bool {
		answer, err := http.Get(w.url + "/-/ready") //nolint:noctx // it ends by itself
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return w
}

// work books until the test ends, and asks for what others have.
func work(t *testing.T, base string) {
	t.Helper()
	b := newBooker(t, base)
	for t.Context().Err() == nil {
		if err := b.book(); err != nil {
			return
		}
		for range 2 { // made once
			other, err := b.id("clientCreate", fmt.Sprintf("firstName: %q, lastName: %q, idempotencyKey: %q", "Ada", "Nowak", b.last), "client")
			if err != nil {
				return
			}
			_, _ = b.id("reservationCreate", fmt.Sprintf("clientId: %q, appointmentId: %q", other, b.last), "reservation") // it is taken
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// start starts a program that ends with the test.
func start(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	program, err := exec.LookPath(name)
	programtest.Need(t, name, err)
	var log strings.Builder
	cmd := exec.Command(program, args...) //nolint:noctx // the test ends it
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = append(os.Environ(), env...), &log, &log, &syscall.SysProcAttr{}
	endWithUs(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", name, log.String())
		}
	})
}
