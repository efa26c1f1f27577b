package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"docket/internal/server"
)

// administered runs a server with a listener for operators, and returns both
// addresses and how to stop it.
func administered(t *testing.T, s *server.Server) (api, admin string, stop context.CancelFunc, ended chan error) {
	t.Helper()
	listen := func() net.Listener {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		return l
	}
	l := listen()
	s.Admin = &server.Admin{Listener: listen(), Hosts: []string{"localhost"}, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "up 1\n")
	})}
	ctx, stop := context.WithCancel(t.Context())
	ended = make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	t.Cleanup(stop)
	return "http://" + l.Addr().String(), "http://" + s.Admin.Listener.Addr().String(), stop, ended
}

// look asks by a name for the server; status 0 is that nobody answers.
func look(t *testing.T, url, host string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	r.Host = host
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(body)
}

// What is for operators is at their listener and not at the other, and the API the
// other way round.
func TestAdmin(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.GraphiQL = true
	api, admin, stop, ended := administered(t, s)
	for path, want := range map[string]struct {
		api, admin int
		text       string
	}{
		"/metrics":                       {http.StatusNotFound, http.StatusOK, "up 1"},
		"/healthz":                       {http.StatusOK, http.StatusOK, "ok"},
		"/readyz":                        {http.StatusOK, http.StatusOK, "ready"},
		"/debug/pprof/":                  {http.StatusNotFound, http.StatusOK, "goroutine"},
		"/debug/pprof/goroutine?debug=1": {http.StatusNotFound, http.StatusOK, "goroutine profile"},
		"/debug/pprof/profile?seconds=1": {http.StatusNotFound, http.StatusOK, ""},
		"/debug/pprof/trace?seconds=0.1": {http.StatusNotFound, http.StatusOK, ""},
		"/debug/pprof/symbol":            {http.StatusNotFound, http.StatusOK, "num_symbols"},
		"/debug/pprof/cmdline":           {http.StatusNotFound, http.StatusNotFound, ""}, // it may have secrets
		"/graphql":                       {http.StatusOK, http.StatusNotFound, ""},
	} {
		if status, _ := look(t, api+path, ""); status != want.api {
			t.Errorf("%s of the API: %d", path, status)
		}
		if status, text := look(t, admin+path, ""); status != want.admin || !strings.Contains(text, want.text) {
			t.Errorf("%s of the admin: %d %.200s", path, status, text)
		}
	}
	for host, want := range map[string]int{"localhost:1": http.StatusOK, "127.0.0.1": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		if status, _ := look(t, admin+"/metrics", host); status != want {
			t.Errorf("called %s: %d", host, status)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if status, _ := look(t, admin+"/metrics", ""); status != 0 {
		t.Errorf("it answers after the end: %d", status)
	}
}

// Metrics are there until the API has ended, whatever it has to finish.
func TestAdminEndsLast(t *testing.T) {
	t.Parallel()
	s := setup(t)
	arrived, finish := make(chan struct{}), make(chan struct{})
	s.API = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(arrived); <-finish })
	api, admin, stop, ended := administered(t, s)
	answered := make(chan int, 1)
	go func() {
		status, _ := look(t, api+"/graphql", "")
		answered <- status
	}()
	<-arrived
	stop()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // the API takes no more
		if status, _ := look(t, api+"/healthz", ""); status == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the API goes on")
		}
	}
	if status, text := look(t, admin+"/metrics", ""); status != http.StatusOK {
		t.Errorf("metrics while it finishes: %d %s", status, text)
	}
	if status, text := look(t, admin+"/readyz", ""); status != http.StatusServiceUnavailable || text != "stopping\n" {
		t.Errorf("ready while it finishes: %d %s", status, text)
	}
	close(finish)
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the last request: %d", status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A connection that Prometheus keeps is nobody's whom a stopping server waits for.
func TestKeptByOperators(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.Drain = 4 * time.Second
	_, admin, stop, ended := administered(t, s)
	kept := &http.Transport{}
	defer kept.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, admin+"/metrics", nil)
	must(t, err)
	response, err := kept.RoundTrip(r)
	must(t, err)
	_, err = io.Copy(io.Discard, response.Body)
	must(t, err)
	must(t, response.Body.Close())
	began := time.Now()
	stop()
	must(t, <-ended)
	if lasted := time.Since(began); lasted > 2*s.Drain-time.Second/2 {
		t.Errorf("it waited for %v, with a drain of %v", lasted, s.Drain)
	}
}

// What goes around everything sees what is refused, too.
func TestAround(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var seen []string
	s.Around = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.URL.Path)
			next.ServeHTTP(w, r)
		})
	}
	s.Hosts = []string{"docket.example"}
	h := s.Handler()
	ask(t, h, http.MethodGet, "/healthz", "", "")
	ask(t, h, http.MethodGet, "/nowhere", "", "")
	r := request(t, http.MethodGet, "/readyz", "")
	r.Host = "evil.example"
	if w := answer(h, r); w.Code != http.StatusMisdirectedRequest {
		t.Errorf("got %d", w.Code)
	}
	if strings.Join(seen, " ") != "/healthz /nowhere /readyz" {
		t.Errorf("saw %q", seen)
	}
}
