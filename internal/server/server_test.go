package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/graphiql"
	"docket/internal/server"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// setup is a server whose API echoes what it is sent.
func setup(t *testing.T) *server.Server {
	t.Helper()
	return &server.Server{
		Timeout: 30 * time.Second,
		API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		}),
		Ready: func(context.Context) error { return nil },
		Log:   slog.New(slog.DiscardHandler),
	}
}

// ask sends one request to a handler.
func ask(t *testing.T, h http.Handler, method, path, accept, body string) *httptest.ResponseRecorder {
	t.Helper()
	return answer(h, request(t, method, path, body, "Accept", accept, "Content-Type", "application/json"))
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.Ready = func(context.Context) error { return errors.New("the database is down") }
	w := ask(t, s.Handler(), http.MethodGet, "/healthz", "", "") // alive all the same
	if w.Code != http.StatusOK || w.Body.String() != "ok\n" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %q %v", w.Code, w.Body, w.Header())
	}
	if w := ask(t, s.Handler(), http.MethodPost, "/healthz", "", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ready func(context.Context) error
		code  int
		body  string
	}{
		"ready":     {func(context.Context) error { return nil }, http.StatusOK, "ready\n"},
		"not ready": {func(context.Context) error { return errors.New("password=s3cr3t") }, http.StatusServiceUnavailable, "not ready\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.Ready = tt.ready
			w := ask(t, s.Handler(), http.MethodGet, "/readyz", "", "")
			if w.Code != tt.code || w.Body.String() != tt.body || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("got %d %q %v", w.Code, w.Body, w.Header())
			}
		})
	}
}

// A database that does not answer is one that is down.
func TestReadyDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setup(t)
		s.Ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		w := ask(t, s.Handler(), http.MethodGet, "/readyz", "", "")
		if w.Code != http.StatusServiceUnavailable || time.Since(began) > 5*time.Second {
			t.Errorf("got %d after %v", w.Code, time.Since(began))
		}
	})
}

// Many who ask at once have the database asked once.
func TestReadyIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, checks := setup(t), atomic.Int32{}
		s.Ready = func(context.Context) error { checks.Add(1); time.Sleep(time.Second); return nil }
		h := s.Handler()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if w := ask(t, h, http.MethodGet, "/readyz", "", ""); w.Code != http.StatusOK {
					t.Errorf("got %d", w.Code)
				}
			})
		}
		all.Wait()
		if n := checks.Load(); n != 1 {
			t.Errorf("the database was asked %d times", n)
		}
	})
}

func TestReadyAsksTheDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := database.Open(dbtest.URL(t, name))
			must(t, err)
			s := setup(t)
			s.Ready = db.PingContext
			if w := ask(t, s.Handler(), http.MethodGet, "/readyz", "", ""); w.Code != http.StatusOK {
				t.Errorf("with the database: %d", w.Code)
			}
			must(t, db.Close())
			if w := ask(t, s.Handler(), http.MethodGet, "/readyz", "", ""); w.Code != http.StatusServiceUnavailable {
				t.Errorf("without the database: %d", w.Code)
			}
		})
	}
}

// pages are how browsers and programs ask for /graphql.
const (
	browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	program = "application/graphql-response+json, application/json"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	const page, api, absent = "<title>docket</title>", `{"echo"}`, ""
	tests := map[string]struct {
		graphiql             bool
		method, path, accept string
		code                 int
		body                 string
	}{
		"a browser":                     {true, "GET", "/graphql", browser, 200, page},
		"a browser with a query":        {true, "GET", "/graphql?query={a}", browser, 200, page},
		"a program":                     {true, "POST", "/graphql", program, 200, api},
		"a program that gets":           {true, "GET", "/graphql?query={a}", program, 200, api},
		"anything will do":              {true, "GET", "/graphql?query={a}", "*/*", 200, api},
		"no wish":                       {true, "GET", "/graphql?query={a}", "", 200, api},
		"a browser that posts":          {true, "POST", "/graphql", browser, 200, api},
		"the front page":                {true, "GET", "/", browser, 302, absent},
		"a file of the page":            {true, "GET", graphiql.AssetsPath + "licenses.md", browser, 200, "MIT"},
		"a file that is not":            {true, "GET", graphiql.AssetsPath + "nothing.js", browser, 404, absent},
		"another path":                  {true, "GET", "/admin", browser, 404, absent},
		"a browser, in production":      {false, "GET", "/graphql", browser, 200, api},
		"a program, in production":      {false, "POST", "/graphql", program, 200, api},
		"a file, in production":         {false, "GET", graphiql.AssetsPath + "licenses.md", browser, 404, absent},
		"the front page, in production": {false, "GET", "/", browser, 404, absent},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.GraphiQL = tt.graphiql
			w := ask(t, s.Handler(), tt.method, tt.path, tt.accept, api)
			if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.body) {
				t.Errorf("got %d %.200q, want %d and %q", w.Code, w.Body, tt.code, tt.body)
			}
			if html := strings.HasPrefix(w.Header().Get("Content-Type"), "text/html"); tt.body == page != (html && w.Code == 200) {
				t.Errorf("the content is %q", w.Header().Get("Content-Type"))
			}
		})
	}
}

// What is too long is refused as such, whether it says so or not.
func TestBodies(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	handlers := map[string]http.Handler{}
	for _, page := range []bool{true, false} {
		s := complete(t)
		s.GraphiQL = page
		handlers["graphql"+map[bool]string{true: " with GraphiQL"}[page]] = s.Handler()
	}
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := httptest.NewServer(h)
			t.Cleanup(site.Close)
			for length, code := range map[int]int{100: 200, most: 200, most + 1: 413, 2 * most: 413} {
				body := `{"query": "{ __typename }"`
				body += strings.Repeat(" ", length-len(body)-1) + "}"
				for told, reader := range map[bool]io.Reader{true: strings.NewReader(body), false: io.MultiReader(strings.NewReader(body))} {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site.URL+"/graphql", reader)
					must(t, err)
					r.Header.Set("Content-Type", "application/json")
					response, err := http.DefaultClient.Do(r)
					must(t, err)
					text, _ := io.ReadAll(response.Body)
					must(t, response.Body.Close())
					if response.StatusCode != code || code == 413 && !strings.Contains(string(text), `"max":1048576`) {
						t.Errorf("%d bytes, length told: %v: %d %.100q, want %d", length, told, response.StatusCode, text, code)
					}
				}
			}
		})
	}
}

// A request that takes too long ends while its answer can still be written.
func TestRequestsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setup(t)
		s.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			_, _ = io.WriteString(w, r.Context().Err().Error()) //nolint:gosec // no page
		})
		client, stop, ended := started(t, s)
		began := time.Now()
		if text, err := fetch(t.Context(), client, "http://docket/graphql"); text != context.DeadlineExceeded.Error() {
			t.Errorf("after %v it came to %q and %v", time.Since(began), text, err)
		}
		stop()
		must(t, <-ended)
	})
}

// slow is an API whose requests say that they came, and end when they are let.
type slow struct{ came, leave chan struct{} }

func (s slow) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.came <- struct{}{}
	<-s.leave
	_, _ = io.WriteString(w, "done")
}

// Told to stop, a server finishes what it has and takes nothing new.
func TestRunStops(t *testing.T) {
	t.Parallel()
	s, api := setup(t), slow{make(chan struct{}), make(chan struct{})}
	s.API = api
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()

	type answer struct {
		text string
		err  error
	}
	answered := make(chan answer, 1)
	url := "http://" + l.Addr().String()
	go func() {
		text, err := fetch(t.Context(), http.DefaultClient, url+"/graphql")
		answered <- answer{text, err}
	}()
	<-api.came
	stop()
	for { // until nobody listens any more
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			break
		}
		must(t, c.Close())
	}
	select {
	case err := <-ended:
		t.Fatalf("ended with %v, with a request in hand", err)
	default:
	}
	close(api.leave)
	if got := <-answered; got.err != nil || got.text != "done" {
		t.Errorf("the request it had came to %q and %v", got.text, got.err)
	}
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func fetch(ctx context.Context, c *http.Client, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return strings.TrimSpace(string(text)), err
}

// pipes is a listener in memory, so that time can stand still.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		select {
		case p.conns <- there:
			return here, nil
		case <-p.closed:
			return nil, net.ErrClosed
		}
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// started runs the server until stop is called; its end is in ended.
func started(t *testing.T, s *server.Server) (client *http.Client, stop func(), ended chan error) {
	t.Helper()
	l, stop, ended := listen(t, s)
	return l.client(t), stop, ended
}

// listen runs the server, to be reached over the pipes.
func listen(t *testing.T, s *server.Server) (l *pipes, stop func(), ended chan error) {
	t.Helper()
	l = &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	ended = make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	return l, cancel, ended
}

// Who balances load needs a while to see that a server is not ready: until
// then it answers as before.
func TestRunDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setup(t)
		s.Drain = 20 * time.Second
		client, stop, ended := started(t, s)
		if text, err := fetch(t.Context(), client, "http://docket/readyz"); err != nil || text != "ready" {
			t.Errorf("at first: %q, %v", text, err)
		}
		stop()
		began := time.Now()
		time.Sleep(s.Drain - time.Second)
		for path, want := range map[string]string{"readyz": "stopping", "healthz": "ok", "graphql": ""} {
			if text, err := fetch(t.Context(), client, "http://docket/"+path); err != nil || text != want {
				t.Errorf("while it drains, %s: %q, %v", path, text, err)
			}
		}
		client.CloseIdleConnections()
		must(t, <-ended)
		if lasted := time.Since(began); lasted < s.Drain || lasted > s.Drain+time.Second {
			t.Errorf("ended after %v, want %v", lasted, s.Drain)
		}
		if _, err := fetch(t.Context(), client, "http://docket/healthz"); err == nil {
			t.Error("it answers after its end")
		}
	})
}

// Who keeps a connection, as a proxy does, can use it until it is told not to:
// one that is closed unused might be one on which a mutation was just sent.
func TestRunLeavesKeptConnections(t *testing.T) {
	t.Parallel()
	for name, used := range map[string]bool{"used": true, "unused": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := setup(t)
				s.Drain = 20 * time.Second
				l, stop, ended := listen(t, s)
				client := l.client(t)
				_, err := fetch(t.Context(), client, "http://docket/healthz")
				must(t, err)
				stop()
				began := time.Now()
				time.Sleep(s.Drain + 5*time.Second)
				if _, err := fetch(t.Context(), l.client(t), "http://docket/healthz"); err == nil {
					t.Error("it takes new connections")
				}
				want := 2 * s.Drain
				if used {
					want = s.Drain + 5*time.Second
					request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://docket/healthz", nil)
					must(t, err)
					answer, err := client.Do(request)
					must(t, err)
					must(t, answer.Body.Close())
					if !answer.Close {
						t.Error("a connection that is kept is not told to end")
					}
				}
				must(t, <-ended)
				if lasted := time.Since(began); lasted < want || lasted > want+time.Second {
					t.Errorf("ended after %v, want %v", lasted, want)
				}
			})
		})
	}
}

// A request that does not end must not keep the server for ever; it is told.
func TestRunGivesUpOnARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, came, told := setup(t), make(chan struct{}), make(chan struct{})
		s.API = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(came)
			<-r.Context().Done()
			close(told)
		})
		client, stop, ended := started(t, s)
		go func() { _, _ = fetch(t.Context(), client, "http://docket/graphql") }()
		<-came
		stop()
		began := time.Now()
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Minute {
			t.Errorf("ended with %v after %v", err, time.Since(began))
		}
		<-told
	})
}

func TestRunTellsWhyItCannotServe(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	must(t, err)
	must(t, l.Close())
	if err := setup(t).Run(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want that the listener is closed", err)
	}
}
