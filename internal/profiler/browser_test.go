package profiler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/internal/programtest"
)

// seen is what testdata/browser.mjs reports.
type seen struct {
	Empty, Tree, Plan, SQL, Cleared, Scriptless, Gone string
	Rows, Found                                       []string
	Paused, Evil                                      int
	// What is wrong with the pages: what they asked of others, what the browser
	// complained of, what is too pale, has no name or is too wide for the screen.
	Requests, Problems, Contrast, Nameless, Wide []string
}

func TestInBrowser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d docket) {
		got := look(t, d)
		wants(t, got.Empty, "Nothing was asked yet")
		if len(got.Rows) != 4 {
			t.Fatalf("the list shows %q", got.Rows)
		}
		for i, want := range []string{"POST /graphql(?s:.*)GRAPHQL_VALIDATION_FAILED", "mutation(?s:.*)Register", "Naive(?s:.*)N\\+1 12×", "query(?s:.*)Desk"} {
			wants(t, got.Rows[i], want)
		}
		if got.Paused != 0 {
			t.Error("a list that is paused goes on")
		}
		if len(got.Found) != 1 || !strings.Contains(got.Found[0], "Naive") {
			t.Errorf("naive is found as %q", got.Found)
		}
		wants(t, got.Tree, "clients", "SELECT clients", "reservations", "12 × SELECT reservations", "N\\+1")
		if d.db.Dialect == "postgres" {
			wants(t, got.Plan, "actual time", "client_id = \\$1", "Execution Time")
		} else {
			wants(t, got.Plan, "SEARCH reservations USING .*INDEX")
			wants(t, got.Scriptless, "SEARCH reservations")
		}
		wants(t, got.SQL, "SELECT concat", "\n  SELECT concat", "\n  FROM", "\n  WHERE")
		if got.Evil != 0 {
			t.Error("a value is markup")
		}
		wants(t, got.Cleared, "Nothing was asked yet")
		wants(t, got.Gone, "not kept any more")
		for _, request := range got.Requests {
			if !strings.HasPrefix(request, d.URL+"/") {
				t.Errorf("a request left the server: %s", request)
			}
		}
		for what, all := range map[string][]string{"the browser complains": got.Problems, "too pale": got.Contrast, "has no name": got.Nameless, "too wide": got.Wide} {
			for _, one := range all {
				t.Errorf("%s: %s", what, one)
			}
		}
	})
}

// look runs testdata/browser.mjs with the browser of package graphiql's tests.
func look(t *testing.T, d docket) (got seen) {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	programtest.Need(t, "chromium", err)
	node, err := exec.LookPath("node")
	programtest.Need(t, "node", err)
	_, err = os.Stat("../graphiql/node_modules/playwright-core")
	programtest.Need(t, "what npm ci installs", err)
	script, err := os.Open("testdata/browser.mjs") // here, so that go test sees when it changes
	must(t, err)
	defer script.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, node, "--input-type=module", "-")
	cmd.Dir = "../graphiql"
	cmd.Env = append(os.Environ(), "CHROMIUM="+browser, "BASE="+d.URL)
	if d.db.Dialect == dialect.SQLite { // what they show does not depend on it
		cmd.Env = append(cmd.Env, "SCREENS=all")
	}
	if shots := os.Getenv("SHOTS"); shots != "" {
		shots = filepath.Join(shots, d.db.Dialect)
		must(t, os.MkdirAll(shots, 0o755))
		cmd.Env = append(cmd.Env, "SHOTS="+shots)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = script, &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // the script still ends its browser
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("browser.mjs: %v\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("browser.mjs printed %q: %v", stdout.Bytes(), err)
	}
	return got
}
