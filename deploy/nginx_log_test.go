package deploy_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
)

// TestNginxLog checks that the access log tells of a request neither who made
// it nor what it was about, which is in the variables of a query by GET.
func TestNginxLog(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.NotFoundHandler())
	defer upstream.Close()
	address, cmd := nginxCommand(t, []string{strings.TrimPrefix(upstream.URL, "http://")})
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, "nginx answers", func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/graphql?variables=planted-name", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer planted-token")
		r.Header.Set("Referer", "http://localhost/planted-page")
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err == nil
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	if text := log.String(); !strings.Contains(text, `"GET /graphql HTTP/1.1" 404`) || strings.Contains(text, "planted") {
		t.Errorf("the log is\n%s", text)
	}
}
