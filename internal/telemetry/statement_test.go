package telemetry_test

import (
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"
	"time"

	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/telemetry"
)

// A database quotes the value that it refuses. What is exported has the code of its
// error and the statement, and neither the value nor any argument.
func TestStatementsTellNoValue(t *testing.T) {
	for _, test := range []struct{ dialect, text, fault string }{
		{"postgres", "SELECT $1::integer", "22P02"},
		{"sqlite3", "SELECT json($1)", "SQLITE_1"},
	} {
		t.Run(test.dialect, func(t *testing.T) {
			r := receive(t)
			t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", r.URL+"/v1/traces")
			told, err := telemetry.Start(t.Context(), telemetry.Settings{Log: slog.DiscardHandler, Clock: time.Now})
			must(t, err)
			db, err := database.Open(dbtest.URL(t, test.dialect), told.Statements(test.dialect))
			must(t, err)
			defer db.Close()
			planted := "planted" + rand.Text()
			ctx, ended := told.Operation(t.Context())
			_, err = db.ExecContext(ctx, test.text, planted)
			ended(telemetry.Operation{Type: "query"})
			told.Stop(t.Context())
			if err == nil {
				t.Fatal("it is not refused")
			}
			found := false
			for _, s := range r.named("SELECT") {
				found = found || attribute(s.Attributes, "error.type") == test.fault && attribute(s.Attributes, "db.query.text") == test.text
			}
			if !found {
				t.Errorf("the statement is not among %v", r.all())
			}
			if strings.Contains(string(r.raw), planted) {
				t.Errorf("the value is exported: %v", r.all())
			}
		})
	}
}
