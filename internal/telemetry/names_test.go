package telemetry_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"docket/internal/telemetry"
)

const operations = "docket_operation_duration_seconds_count{"

// Clients choose the names of operations. Whatever they choose, there are so many
// series and no more.
func TestTenThousandNames(t *testing.T) {
	t.Parallel()
	told := start(t)
	answer := func(o telemetry.Operation) {
		_, ended := told.Operation(t.Context())
		ended(o)
	}
	for i := range 1000 { // refused, so none of them is learnt
		answer(telemetry.Operation{Name: fmt.Sprintf("Refused%d", i), Type: "query", Codes: []string{"FORBIDDEN"}})
	}
	if got := series(scrape(t, told), operations); len(got) != 1 || !strings.Contains(got[0], `{operation="other",outcome="refused",type="query"} 1000`) {
		t.Fatalf("those who were refused: %q", got)
	}
	answer(telemetry.Operation{Name: "Ours", Type: "query"})
	var all sync.WaitGroup
	for from := range 4 {
		all.Go(func() {
			for i := range 2500 {
				answer(telemetry.Operation{Name: fmt.Sprintf("Name%d_%d", from, i), Type: "query"})
			}
		})
	}
	all.Wait()
	answer(telemetry.Operation{Name: "Ours", Type: "query"})
	answer(telemetry.Operation{Name: "Registered", Type: "query", Trusted: true})
	answer(telemetry.Operation{Type: "query"})
	answer(telemetry.Operation{Codes: []string{"GRAPHQL_PARSE_FAILED"}})
	got := series(scrape(t, told), operations)
	if want := 100 + 5; len(got) != want { // and other, refused and not, Registered, anonymous, invalid
		t.Errorf("there are %d series, want %d", len(got), want)
	}
	for _, want := range []string{
		`{operation="Ours",outcome="ok",type="query"} 2`, `{operation="other",outcome="ok",type="query"} 9901`,
		`{operation="Registered",outcome="ok",type="query"} 1`, `{operation="anonymous",outcome="ok",type="query"} 1`,
		`{operation="invalid",outcome="refused",type="invalid"} 1`,
	} {
		if !slices.Contains(got, "docket_operation_duration_seconds_count"+want) {
			t.Errorf("the series lack %s", want)
		}
	}
}

// Nor do methods, paths and statuses of HTTP make more than a few.
func TestManyPaths(t *testing.T) {
	t.Parallel()
	told := start(t)
	requests(t, told)
	if got := series(scrape(t, told), "http_server_request_duration_seconds_count{"); len(got) != 3 {
		t.Errorf("the series are %q", got)
	}
}
