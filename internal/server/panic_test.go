package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// TestPanicsAroundTheAPI checks that what panics before GraphQL is answered as what
// panics in it, to pages of other origins too, and that the log has the cause.
func TestPanicsAroundTheAPI(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := setup(t)
	s.Origins, s.Log = []string{"https://a.example"}, slog.New(slog.NewJSONHandler(&log, nil))
	s.API = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	w := answer(s.Handler(), request(t, "POST", "/graphql", "{}", "Content-Type", "application/json", "Origin", "https://a.example"))
	var told struct {
		Errors []struct {
			Extensions struct{ Code, ID string }
		}
	}
	must(t, json.Unmarshal(w.Body.Bytes(), &told))
	if w.Code != http.StatusInternalServerError || len(told.Errors) != 1 || told.Errors[0].Extensions.Code != "INTERNAL" {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if w.Header().Get("Access-Control-Allow-Origin") == "" || w.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("with %v", w.Header())
	}
	if id := told.Errors[0].Extensions.ID; id == "" || !strings.Contains(log.String(), id) ||
		!strings.Contains(log.String(), "on purpose") || !strings.Contains(log.String(), "panic_test.go") {
		t.Errorf("%q leads to %s", id, log.String())
	}
}

// A handler that ends a connection on purpose still does.
func TestHandlersCanAbort(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.API = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("it went on, with %v", err)
		}
	}()
	answer(s.Handler(), request(t, "POST", "/graphql", "{}", "Content-Type", "application/json"))
}
