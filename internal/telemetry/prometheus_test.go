package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"docket/internal/dbtest"
	"docket/internal/programtest"
)

// prometheus starts one that scrapes the targets, and returns its URL.
func prometheus(t *testing.T, targets ...string) string {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	programtest.Need(t, "prometheus", err)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	address := l.Addr().String()
	must(t, l.Close())
	config, err := json.Marshal(map[string]any{ // which is YAML
		"global": map[string]any{"scrape_interval": "200ms", "scrape_timeout": "200ms"},
		"scrape_configs": []any{map[string]any{
			"job_name": "docket", "static_configs": []any{map[string]any{"targets": targets}},
		}},
	})
	must(t, err)
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	must(t, os.WriteFile(file, config, 0o600))
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--enable-feature=exemplar-storage", "--log.level=warn")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	dieTogether(cmd)
	must(t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("the log of prometheus:\n%s", log.String())
		}
	})
	return "http://" + address
}

// query is the value of an expression; "" where it has none, or Prometheus does not
// answer yet.
func query(t *testing.T, server, expression string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+"/api/v1/query?query="+url.QueryEscape(expression), nil)
	must(t, err)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if json.NewDecoder(response.Body).Decode(&answer) != nil || len(answer.Data.Result) == 0 {
		return ""
	}
	value, _ := answer.Data.Result[0].Value[1].(string)
	return value
}

// TestPrometheus has a real one scrape a real docket, to the end of that.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t, dbtest.URL(t, "postgres"), exporting(r), "--drain", "1s")
	u, err := url.Parse(s.metrics)
	must(t, err)
	server := prometheus(t, u.Host)
	client, appointment := s.slot(t, "Ada")
	s.book(t, client, appointment)
	other, _ := s.slot(t, "Bob")
	s.book(t, other, appointment)
	for expression, want := range map[string]string{
		`up{job="docket"}`: "1",
		`sum(docket_operation_duration_seconds_count{operation="Book"})`:                                            "2",
		`docket_operation_duration_seconds_count{operation="Book",outcome="refused",type="mutation"}`:               "1",
		`docket_booking_decisions_total{verb="reserve",outcome="SLOT_HELD"}`:                                        "1",
		`docket_errors_total{code="SLOT_HELD"}`:                                                                     "1",
		`docket_holds`:                                                                                              "1",
		`count(docket_operation_duration_seconds_bucket{operation="Book",outcome="ok",le="0.25"})`:                  "1",
		`count(histogram_quantile(0.99, sum by (le) (docket_operation_duration_seconds_bucket)))`:                   "1",
		`sum(docket_operation_duration_seconds_count{outcome="failed"}) or vector(0)`:                               "0",
		`count(db_client_operation_duration_seconds_count{db_system_name="postgresql",db_operation_name="COMMIT"})`: "1",
		`db_client_connection_max{pool="primary"}`:                                                                  "16",
		`count(docket_build_info)`:                                                                                  "1",
	} {
		until(t, expression+" is not "+want+" but "+query(t, server, expression), func() bool { return query(t, server, expression) == want })
	}
	// Its last requests are scraped while it drains.
	before := query(t, server, `sum(http_server_request_duration_seconds_count{http_route="/readyz"}) or vector(0)`)
	must(t, s.cmd.Process.Signal(os.Interrupt))
	for range 5 {
		get(t, "http://"+mustHost(t, s.api)+"/readyz")
	}
	until(t, "the last requests are not scraped", func() bool {
		return query(t, server, `max_over_time(sum(http_server_request_duration_seconds_count{http_route="/readyz"})[1m:200ms])`) == "5" && before == "0"
	})
	until(t, "the server does not end", func() bool { return query(t, server, `up{job="docket"}`) == "0" })
}

func mustHost(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	return u.Host
}
