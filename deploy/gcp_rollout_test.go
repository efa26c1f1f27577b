package deploy_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fakeGcloud stands in for gcloud: it notes how it is called, and answers from
// files beside it. A call with what is in the file broken fails.
const fakeGcloud = `#!/usr/bin/env bash
cd "$(dirname "$0")" || exit
echo "$*" >>calls
while read -r words; do
	[[ "$*" != *"$words"* ]] || { echo "gcloud: no" >&2 && exit 1; }
done <broken
case "$*" in
'auth print-access-token') echo secret-token ;;
*status.latestReadyRevisionName*) cat ready ;;
*status.latestCreatedRevisionName*) echo docket-2 ;;
*status.traffic*) cat traffic ;;
*update-traffic*) ;;
*) echo "gcloud: $*?" >&2 && exit 1 ;;
esac
`

// fakeCloud is a service docket-1 that serves, docket-2 that is new, and what
// Cloud Monitoring knows of that.
type fakeCloud struct {
	dir     string
	url     string
	mu      sync.Mutex
	queries []string
	// Of docket-2, by the percent that it has: how many requests, and errors. What
	// is not there is not known.
	requests, errors map[string]string
}

func newFakeCloud(t *testing.T) *fakeCloud {
	t.Helper()
	c := &fakeCloud{
		dir:      t.TempDir(),
		requests: map[string]string{"1": "100", "10": "1000", "50": "5000", "100": "1e+04"},
		errors:   map[string]string{"1": "0", "10": "1.5", "50": "0", "100": "99"},
	}
	c.file(t, "ready", "docket-2\n")
	c.file(t, "traffic", "docket-1,100\ndocket-2,\n") // which is tagged
	c.file(t, "broken", "")
	c.file(t, "calls", "")
	c.file(t, "gcloud", fakeGcloud)
	if err := os.Chmod(filepath.Join(c.dir, "gcloud"), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		query := r.FormValue("query")
		c.queries = append(c.queries, query)
		known := c.requests
		if strings.Contains(query, "5xx") {
			known = c.errors
		}
		splits := regexp.MustCompile(`docket-2=(\d+)`).FindAllStringSubmatch(strings.Join(c.calls(t), "\n"), -1)
		percent := splits[len(splits)-1][1]
		value, ok := known[percent]
		if r.URL.Path != "/v1/projects/p/location/global/prometheus/api/v1/query" || r.Header.Get("Authorization") != "Bearer secret-token" || value == "down" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		var result string
		if ok {
			result = fmt.Sprintf(`{"metric": {}, "value": [1789000000.123, "%s"]}`, value)
		}
		_, _ = fmt.Fprintf(w, `{"status": "success", "data": {"resultType": "vector", "result": [%s]}}`, result)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *fakeCloud) file(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *fakeCloud) calls(t *testing.T) []string {
	t.Helper()
	return strings.Split(strings.TrimSpace(read(t, filepath.Join(c.dir, "calls"))), "\n")
}

// splits are how the traffic was split, one after the other.
func (c *fakeCloud) splits(t *testing.T) (all []string) {
	t.Helper()
	for _, call := range c.calls(t) {
		if split := regexp.MustCompile(`^run services update-traffic docket --to-revisions=(\S+) --project=p --region=r --quiet$`).FindStringSubmatch(call); split != nil {
			all = append(all, split[1])
		} else if strings.Contains(call, "update-traffic") {
			t.Errorf("called is %s", call)
		}
	}
	return all
}

func (c *fakeCloud) rollout(t *testing.T, env ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "gcp/rollout", "docket", "--project=p", "--region=r")
	cmd.Env = append(os.Environ(), "PATH="+c.dir+":"+os.Getenv("PATH"), "MONITORING="+c.url, "STEP_SECONDS=0")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

const back = "docket-1=100"

func TestRollout(t *testing.T) {
	t.Parallel()
	const at1, at10 = "docket-2=1,docket-1=99", "docket-2=10,docket-1=90"
	for name, tt := range map[string]struct {
		cloud  func(*fakeCloud)
		env    []string
		status int
		splits []string
		says   string
	}{
		"all is well":              {nil, nil, 0, []string{at1, at10, "docket-2=50,docket-1=50", "docket-2=100"}, "docket-2 has all traffic\n"},
		"other steps":              {nil, []string{"STEPS=10 100"}, 0, []string{at10, "docket-2=100"}, "docket-2 has all traffic\n"},
		"it answers its test":      {nil, []string{"STEPS=100", "STEP_SECONDS=1", "SMOKE=true"}, 0, []string{"docket-2=100"}, "docket-2 has all traffic\n"},
		"errors at once":           {func(c *fakeCloud) { c.errors["1"] = "2" }, nil, 1, []string{at1, back}, "at 1 % 2 of 100 answers of docket-2 were errors: all traffic goes back to docket-1"},
		"errors later":             {func(c *fakeCloud) { c.errors["10"] = "11" }, nil, 1, []string{at1, at10, back}, "at 10 % 11 of 1000"},
		"errors at last":           {func(c *fakeCloud) { c.errors["100"] = "1.1e+02" }, []string{"STEPS=100"}, 1, []string{"docket-2=100", back}, "at 100 % 1.1e+02 of 1e+04"},
		"errors that are accepted": {func(c *fakeCloud) { c.errors["1"] = "40" }, []string{"STEPS=1", "MAX_ERROR_RATIO=0.5"}, 0, []string{at1}, "has all traffic"},
		"nothing is known":         {func(c *fakeCloud) { delete(c.requests, "10") }, nil, 1, []string{at1, at10, back}, "at 10 % nothing is known of docket-2"},
		"nothing of errors":        {func(c *fakeCloud) { delete(c.errors, "1") }, nil, 1, []string{at1, back}, "nothing is known"},
		"not a number":             {func(c *fakeCloud) { c.requests["1"] = "NaN" }, nil, 1, []string{at1, back}, "nothing is known"},
		"monitoring is down":       {func(c *fakeCloud) { c.errors["1"] = "down" }, nil, 1, []string{at1, back}, "nothing is known"},
		"few requests":             {func(c *fakeCloud) { c.requests["1"] = "19" }, nil, 1, []string{at1, back}, "had 19 requests, which says nothing"},
		"its test fails":           {nil, []string{"SMOKE=false", "STEP_SECONDS=60"}, 1, []string{at1, back}, "docket-2 fails its smoke test"},
		"no token":                 {func(c *fakeCloud) { c.file(t, "broken", "auth print\n") }, nil, 1, []string{at1, back}, "nothing is known"},
		"a step fails":             {func(c *fakeCloud) { c.file(t, "broken", at10+"\n") }, nil, 1, []string{at1, at10, back}, "no step to 10 %: all traffic goes back"},
		"it cannot go back": {
			func(c *fakeCloud) { c.errors["1"] = "2"; c.file(t, "broken", back+"\n") }, nil, 2,
			[]string{at1, back},
			"IT DID NOT: run gcloud run services update-traffic docket --to-revisions=docket-1=100 --project=p --region=r",
		},
		"the newest is not ready": {func(c *fakeCloud) { c.file(t, "ready", "docket-1\n") }, nil, 1, nil, "docket-2, is not ready; nothing is changed"},
		"the newest serves":       {func(c *fakeCloud) { c.file(t, "traffic", "docket-2,100\n") }, nil, 0, nil, "docket-2 has all traffic already"},
		"two serve":               {func(c *fakeCloud) { c.file(t, "traffic", "docket-1,90\ndocket-2,10\n") }, nil, 1, nil, "not one version has all traffic, but: docket-1,90 docket-2,10"},
		"no such service":         {func(c *fakeCloud) { c.file(t, "broken", "describe\n") }, nil, 1, nil, "gcloud: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newFakeCloud(t)
			if tt.cloud != nil {
				tt.cloud(c)
			}
			cmd, out := c.rollout(t, tt.env...)
			_ = cmd.Run() // its status is looked at
			if got := cmd.ProcessState.ExitCode(); got != tt.status || !strings.Contains(out.String(), tt.says) {
				t.Errorf("ended with %d, not %d, and does not say %q:\n%s", got, tt.status, tt.says, out)
			}
			if got := c.splits(t); !slices.Equal(got, tt.splits) {
				t.Errorf("the traffic went %q, not %q\n%s", got, tt.splits, out)
			}
		})
	}
}

// TestRolloutIsInterrupted ends it while it waits, as a build that is cancelled
// does, or somebody at a keyboard.
func TestRolloutIsInterrupted(t *testing.T) {
	t.Parallel()
	ended := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}
	for _, each := range ended { // one that is ignored here, as under nohup, would be ignored there, too
		signal.Notify(make(chan os.Signal, 1), each)
		defer signal.Reset(each)
	}
	for _, signal := range ended {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			c := newFakeCloud(t)
			cmd, out := c.rollout(t, "STEP_SECONDS=600", "SMOKE=echo tested; echo tested >>"+filepath.Join(c.dir, "calls"))
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for calls := c.calls(t); calls[len(calls)-1] != "tested"; calls = c.calls(t) {
				time.Sleep(10 * time.Millisecond)
			}
			if err := syscall.Kill(-cmd.Process.Pid, signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // its status is looked at
			if got := cmd.ProcessState.ExitCode(); got != 1 || !strings.Contains(out.String(), "interrupted: all traffic goes back to docket-1") {
				t.Errorf("ended with %d:\n%s", got, out)
			}
			if got := c.splits(t); !slices.Equal(got, []string{"docket-2=1,docket-1=99", back}) {
				t.Errorf("the traffic went %q", got)
			}
		})
	}
}

// TestRolloutAsks has Prometheus evaluate what is asked of Cloud Monitoring.
func TestRolloutAsks(t *testing.T) {
	t.Parallel()
	c := newFakeCloud(t)
	cmd, out := c.rollout(t, "STEPS=100", "STEP_SECONDS=1")
	if err := cmd.Run(); err != nil || len(c.queries) != 2 {
		t.Fatalf("%d queries, %v\n%s", len(c.queries), err, out)
	}
	requests, errors := strings.ReplaceAll(c.queries[0], "[1s]", "[5m]"), strings.ReplaceAll(c.queries[1], "[1s]", "[5m]")
	const (
		of     = `monitored_resource="cloud_run_revision",service_name="docket",revision_name=`
		count  = `      - {series: 'run_googleapis_com:request_count{` + of
		logged = `      - {series: 'logging_googleapis_com:user_docket_errors{` + of
	)
	busy := count + `"docket-1",response_code_class="5xx"}', values: '0+500x10'}
` + count + `"docket-2",response_code_class="2xx"}', values: '0+90x10'}
` + logged + `"docket-1"}', values: '0+500x10'}
`
	for name, tt := range map[string]struct{ series, requests, errors string }{
		"none": {busy, "{value: 450}", "{value: 0}"},
		"both": {busy + count + `"docket-2",response_code_class="5xx"}', values: '0+10x10'}
` + logged + `"docket-2"}', values: '0+4x10'}
`, "{value: 500}", "{value: 70}"},
		"only logged":     {busy + logged + `"docket-2"}', values: '0+4x10'}` + "\n", "{value: 450}", "{value: 20}"},
		"nobody asks yet": {count + `"docket-1",response_code_class="2xx"}', values: '0+90x10'}` + "\n", "", "{value: 0}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tests := "rule_files: []\ntests:\n  - interval: 1m\n    input_series:\n" + tt.series + "    promql_expr_test:\n"
			for query, want := range map[string]string{requests: tt.requests, errors: tt.errors} {
				if want != "" {
					want = strings.Replace(want, "{", "{labels: '{}', ", 1)
				}
				tests += fmt.Sprintf("      - {expr: '%s', eval_time: 10m, exp_samples: [%s]}\n", query, want)
			}
			if out, err := promtool(t, "", tests); err != nil {
				t.Errorf("%v\n%s\n%s", err, out, tests)
			}
		})
	}
}
