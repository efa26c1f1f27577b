package leaks_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"docket/internal/dbtest"
)

// exported is what was sent by OTLP, which is not compressed.
type exported struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (e *exported) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.text.WriteString(r.URL.Path)
	e.text.Write(body)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// TestExported searches all that is exported of a server whose requests are all
// traced: the statements that they led to, what was refused, and their lines in the
// log.
func TestExported(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			var all exported
			receiver := httptest.NewServer(&all)
			defer receiver.Close()
			cursor, key := plant("cursor secret"), plant("receiver's key")
			s := serve(t, []string{
				"DOCKET_ENVIRONMENT=development", "DOCKET_DATABASE=" + dbtest.URL(t, dialect), "DOCKET_CURSOR_SECRET=" + cursor.String(),
				"DOCKET_OPERATION_LOG=on", "DOCKET_RATE_LIMIT=0", "DOCKET_RATE_LIMIT_ANONYMOUS=0",
				"OTEL_EXPORTER_OTLP_ENDPOINT=" + receiver.URL, "OTEL_EXPORTER_OTLP_HEADERS=api-key=" + key.String(),
			})
			secrets := append(talk(t, s.address), cursor, key)
			s.end(t, os.Interrupt)
			all.mu.Lock()
			defer all.mu.Unlock()
			for _, path := range []string{"/v1/traces", "/v1/metrics", "/v1/logs"} {
				if !bytes.Contains(all.text.Bytes(), []byte(path)) {
					t.Errorf("nothing came to %s", path)
				}
			}
			for _, text := range []string{"clientCreate", "INSERT INTO"} {
				if !bytes.Contains(all.text.Bytes(), []byte(text)) {
					t.Errorf("nothing exported has %s", text)
				}
			}
			tell(t, secrets, "what was exported", all.text.Bytes())
			tell(t, secrets, "what was served", s.wrote(t))
		})
	}
}
