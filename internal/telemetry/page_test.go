package telemetry_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"docket/internal/telemetry"
)

// all tells of everything once.
func all(t *testing.T, told *telemetry.Telemetry) {
	t.Helper()
	ctx, ended := told.Operation(t.Context())
	told.Again(ctx, "deadlock")
	told.Repeated(ctx)
	_, decided := told.Decision(ctx, "reserve", nil)
	decided("DONE")
	told.Statements("postgresql").Statement(ctx, "SELECT 1", nil)(1, nil)
	told.Statements("postgresql").Statement(ctx, "SELECT 1", nil)(0, errors.New("no"))
	ended(telemetry.Operation{Type: "query", Fields: []string{"clients"}, Codes: []string{"INTERNAL"}})
	requests(t, told)
	must(t, told.ObservePool("primary", func() sql.DBStats { return sql.DBStats{} }))
	must(t, told.ObserveHolds(func(context.Context, time.Time, time.Time) (running, ended int, err error) { return 1, 1, nil }))
	must(t, told.ObserveCertificates(func() map[string]time.Time { return map[string]time.Time{"example.org": time.Now()} }))
	must(t, told.ObserveKeys(func() (fetched, failed int64) { return 1, 1 }))
}

// The page lists every metric that there is, with its type and its labels, and no other.
func TestPage(t *testing.T) {
	refusing := httptest.NewServer(http.NotFoundHandler())
	defer refusing.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", refusing.URL)
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1 << 40)) // without, it is not told
	told := start(t)
	all(t, told)
	until(t, "no export fails", func() bool { return strings.Contains(scrape(t, told), "docket_telemetry_export_failures_total") })
	served := exposed(scrape(t, told))

	page, err := os.ReadFile("../../docs/telemetry.md")
	must(t, err)
	written := tabled(string(page))
	for _, wrong := range differences(served, written) {
		t.Error(wrong)
	}
	// That the comparison finds what is wrong.
	for name, change := range map[string]func(map[string]string){
		"one is missing":    func(m map[string]string) { delete(m, "docket_holds") },
		"one is too many":   func(m map[string]string) { m["docket_nothing"] = "gauge" },
		"a label is not so": func(m map[string]string) { m["docket_errors_total"] = "counter reason" },
		"it is no gauge":    func(m map[string]string) { m["docket_holds"] = "counter" },
	} {
		planted := maps.Clone(written)
		change(planted)
		if len(differences(served, planted)) == 0 {
			t.Errorf("nobody sees that %s", name)
		}
	}
}

func differences(served, written map[string]string) (all []string) {
	for name, is := range served {
		if written[name] != is {
			all = append(all, fmt.Sprintf("%s is %q; docs/telemetry.md says %q", name, is, written[name]))
		}
	}
	for name := range written {
		if served[name] == "" {
			all = append(all, fmt.Sprintf("%s is in docs/telemetry.md and nowhere else", name))
		}
	}
	return all
}

var (
	typeLine  = regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`)
	labelName = regexp.MustCompile(`([a-z_]+)="`)
)

// exposed are the metrics of a scrape: type and labels by name.
func exposed(text string) map[string]string {
	found := map[string]string{}
	for _, m := range typeLine.FindAllStringSubmatch(text, -1) {
		name, labels := m[1], map[string]bool{}
		for line := range strings.Lines(text) {
			series, _, _ := strings.Cut(line, " ")
			of, within, _ := strings.Cut(series, "{")
			if of != name && of != name+"_bucket" && of != name+"_sum" && of != name+"_count" {
				continue
			}
			for _, label := range labelName.FindAllStringSubmatch(within, -1) {
				if label[1] != "le" {
					labels[label[1]] = true
				}
			}
		}
		found[name] = strings.TrimSpace(m[2] + " " + strings.Join(slices.Sorted(maps.Keys(labels)), " "))
	}
	return found
}

var (
	code   = regexp.MustCompile("`([a-z_]+)`")
	within = regexp.MustCompile(`\([^)]*\)`)
)

// tabled are the metrics of the page's table.
func tabled(page string) map[string]string {
	_, page, _ = strings.Cut(page, "| metric | labels | is |")
	page, _, _ = strings.Cut(page, "\n\n")
	found := map[string]string{}
	for _, row := range strings.Split(page, "\n")[2:] {
		cells := strings.Split(row, " | ")
		var labels []string
		for _, label := range code.FindAllStringSubmatch(within.ReplaceAllString(cells[1], ""), -1) {
			labels = append(labels, label[1])
		}
		slices.Sort(labels)
		for _, name := range code.FindAllStringSubmatch(cells[0], -1) {
			typ := regexp.MustCompile(`gauge|counter|histogram`).FindString(code.ReplaceAllString(cells[0], ""))
			found[name[1]] = strings.TrimSpace(typ + " " + strings.Join(labels, " "))
		}
	}
	return found
}
