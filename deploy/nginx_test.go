package deploy_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"docket/internal/database"
	"docket/internal/programtest"
)

const maxBody = 1 << 20 // of a request, in nginx.conf and in docket

func TestNginx(t *testing.T) {
	t.Parallel()
	i := newImage(t)
	s := i.Serve(t, []string{"DOCKET_LISTEN=127.0.0.1:0", "DOCKET_DATABASE=" + i.Database})
	base := nginx(t, s.Address)

	status, header, body := do(t, post(t, base, `{"query": "{ __typename }"}`))
	if status != http.StatusOK || body != `{"data":{"__typename":"Query"}}` {
		t.Errorf("POST: %d %s", status, body)
	}
	if server := header.Get("Server"); server != "nginx" {
		t.Errorf("the server calls itself %q", server)
	}
	if status, _, body := do(t, get(t, base+"/graphql?query={__typename}")); status != http.StatusOK || !strings.Contains(body, "Query") {
		t.Errorf("GET: %d %s", status, body)
	}
	page := get(t, base+"/graphql")
	page.Header.Set("Accept", "text/html")
	if status, header, body := do(t, page); status != http.StatusOK || !strings.Contains(body, "<html") ||
		!strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		t.Errorf("the page: %d %v %.100s", status, header, body)
	}
	packed := post(t, base, `{"query": "{ __schema { types { name description fields { name } } } }"}`)
	packed.Header.Set("Accept-Encoding", "gzip")
	if _, header, _ := do(t, packed); header.Get("Content-Encoding") != "gzip" {
		t.Errorf("a long answer is not packed: %v", header)
	}

	fits := query(maxBody)
	if status, _, body := do(t, post(t, base, fits)); status != http.StatusOK {
		t.Errorf("a body of %d bytes: %d %.200s", maxBody, status, body)
	}
	status, header, body = do(t, post(t, base, fits+" "))
	if status != http.StatusRequestEntityTooLarge || header.Get("Content-Type") != "application/json" {
		t.Errorf("a body of %d bytes: %d %v", maxBody+1, status, header)
	}
	if code := errorCode(t, body); code != "BAD_USER_INPUT" {
		t.Errorf("a body that is too large has code %q", code)
	}
}

// query is the JSON of a request of that many bytes.
func query(size int) string {
	head, tail := `{"query": "{ __typename }`, `"}`
	return head + strings.Repeat(" ", size-len(head)-len(tail)) + tail
}

func TestNginxForwards(t *testing.T) {
	t.Parallel()
	var seen *http.Request
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r }))
	defer upstream.Close()
	base := nginx(t, upstream.Listener.Addr().String())
	request := post(t, base, "{}")
	request.Header.Set("X-Forwarded-For", "203.0.113.7")
	request.Header.Set("Authorization", "Bearer token")
	do(t, request)

	host := strings.TrimPrefix(base, "http://")
	for name, want := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": host, "Authorization": "Bearer token",
	} {
		if got := seen.Header.Get(name); got != want {
			t.Errorf("docket is told %s: %q, want %q", name, got, want)
		}
	}
	if seen.Host != host {
		t.Errorf("docket is told the host %q, want %q", seen.Host, host)
	}
}

// TestNginxTellsTheClient has one client pretend to be many.
func TestNginxTellsTheClient(t *testing.T) {
	t.Parallel()
	i := newImage(t)
	s := i.Serve(t, []string{
		"DOCKET_LISTEN=127.0.0.1:0", "DOCKET_DATABASE=" + i.Database, "DOCKET_TRUSTED_PROXIES=127.0.0.1",
		"DOCKET_RATE_LIMIT=3", "DOCKET_RATE_LIMIT_ANONYMOUS=3", "DOCKET_RATE_WINDOW=1h",
	})
	base := nginx(t, s.Address)
	passed := 0
	for n := range 6 {
		request := post(t, base, `{"query": "{ __typename }"}`)
		request.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", n))
		status, header, body := do(t, request)
		switch {
		case status == http.StatusOK:
			passed++
		case status != http.StatusTooManyRequests || errorCode(t, body) != "RATE_LIMITED" || header.Get("Retry-After") == "":
			t.Errorf("%d %v %s", status, header, body)
		}
	}
	if passed != 3 {
		t.Errorf("%d of 6 passed, want 3", passed)
	}
	if status, _, _ := do(t, get(t, base+"/readyz")); status != http.StatusOK {
		t.Errorf("whether it is ready is told with %d", status)
	}
}

// TestNginxRepeats counts what reaches two servers, of which one takes a
// request and hangs up.
func TestNginxRepeats(t *testing.T) {
	t.Parallel()
	const requests = 4
	for method, repeats := range map[string]bool{http.MethodGet: true, http.MethodPost: false} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var good, bad atomic.Int32
			works := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { good.Add(1) }))
			defer works.Close()
			hangsUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				bad.Add(1)
				panic(http.ErrAbortHandler)
			}))
			defer hangsUp.Close()
			base := nginx(t, works.Listener.Addr().String(), hangsUp.Listener.Addr().String())
			failed := int32(0)
			for range requests {
				request := get(t, base+"/graphql")
				if method == http.MethodPost {
					request = post(t, base, "{}")
				}
				if status, _, body := do(t, request); status != http.StatusOK {
					failed++
					if code := errorCode(t, body); status != http.StatusBadGateway || code != "INTERNAL" {
						t.Errorf("a server that hangs up is answered as %d %q", status, code)
					}
				}
			}
			switch {
			case bad.Load() == 0:
				t.Error("no request met the server that hangs up")
			case repeats && (failed > 0 || good.Load() != requests):
				t.Errorf("%d of %d requests failed, although another server was there", failed, requests)
			case !repeats && (failed != bad.Load() || good.Load()+bad.Load() != requests):
				t.Errorf("%d requests were sent %d times, and %d failed", requests, good.Load()+bad.Load(), failed)
			}
		})
	}
}

// TestNginxPassesOver checks that a POST does go to another server where it
// was never sent: the first refuses connections.
func TestNginxPassesOver(t *testing.T) {
	t.Parallel()
	works := httptest.NewServer(http.NotFoundHandler())
	defer works.Close()
	base := nginx(t, freeAddress(t), works.Listener.Addr().String())
	for range 3 {
		if status, _, _ := do(t, post(t, base, "{}")); status != http.StatusNotFound {
			t.Errorf("with one server away: %d", status)
		}
	}
}

// TestStop stops docket while it works on a request: that is finished.
func TestStop(t *testing.T) {
	t.Parallel()
	i := newImage(t)
	s := i.Serve(t, []string{"DOCKET_LISTEN=127.0.0.1:0", "DOCKET_DATABASE=" + i.Database})
	sent := make(chan struct{})
	base := nginx(t, forward(t, s.Address, sent))

	// The mutation waits for whoever writes to the database: this test.
	db, err := database.Open("sqlite://" + i.File())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	hold, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		status int
		body   string
	}
	answered := make(chan answer, 1)
	request := post(t, base, `{"query": "mutation { clientCreate(input: {firstName: \"Ada\", lastName: \"Nowak\"}) { client { firstName } } }"}`)
	go func() {
		status, _, body := do(t, request)
		answered <- answer{status, body}
	}()
	<-sent
	time.Sleep(200 * time.Millisecond) // until docket has read what was sent
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	refuses := func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Address)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}
	within(t, "docket refuses connections", refuses)
	select {
	case a := <-answered:
		t.Fatalf("answered before it could be: %+v", a)
	case err := <-s.Done:
		t.Fatalf("docket did not wait for its request: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	if err := hold.Rollback(); err != nil {
		t.Fatal(err)
	}
	if a := <-answered; a.status != http.StatusOK || a.body != `{"data":{"clientCreate":{"client":{"firstName":"Ada"}}}}` {
		t.Errorf("the running request: %d %s", a.status, a.body)
	}
	if err := <-s.Done; err != nil {
		t.Errorf("docket ended with %v", err)
	}
}

// forward passes connections on to an address, and says when it first did.
func forward(t *testing.T, address string, sent chan<- struct{}) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		from, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = from.Close() }()
		to, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			return
		}
		defer func() { _ = to.Close() }()
		first := make([]byte, 64<<10)
		n, _ := from.Read(first)
		_, _ = to.Write(first[:n])
		close(sent)
		go func() { _, _ = io.Copy(to, from) }()
		_, _ = io.Copy(from, to)
	}()
	return l.Addr().String()
}

func TestNginxMistakes(t *testing.T) {
	t.Parallel()
	refused(t, nginxConfig(t, "proxy_read_timeout", "proxy_reed_timeout"), "unknown directive", "proxy_reed_timeout")
	refused(t, nginxConfig(t, "gzip on;", "gzip on"), "gzip")
	refused(t, nginxConfig(t, "http_503", "http_599"), "http_599")
}

// nginxConfig has nginx read the configuration with changes.
func nginxConfig(t *testing.T, oldNew ...string) error {
	t.Helper()
	_, cmd := nginxCommand(t, []string{"127.0.0.1:1"}, oldNew...)
	cmd.Args = append(cmd.Args, "-t")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return errors.New(string(out))
	}
	return nil
}

// nginx starts nginx in front of the upstreams and returns its URL.
func nginx(t *testing.T, upstreams ...string) string {
	t.Helper()
	address, cmd := nginxCommand(t, upstreams)
	return startNginx(t, address, cmd)
}

func startNginx(t *testing.T, address string, cmd *exec.Cmd) (url string) {
	t.Helper()
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("nginx ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the end of the log of nginx:\n%s", log.String()[max(0, log.Len()-16<<10):])
		}
	})
	within(t, "nginx answers", func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return "http://" + address
}

// nginxProgram is $NGINX, or the one that is installed.
func nginxProgram(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath(cmp.Or(os.Getenv("NGINX"), "nginx"))
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/nginx")
	}
	programtest.Need(t, "nginx", err)
	return program
}

// nginxCommand is nginx with the configuration of this folder, but for its
// address, its temporary folders, the given changes, and its upstreams, if any
// are given: where it cannot look a name up again and again, some have to be.
func nginxCommand(t *testing.T, upstreams []string, oldNew ...string) (address string, cmd *exec.Cmd) {
	t.Helper()
	program, dir, address := nginxProgram(t), shared(t), freeAddress(t)
	text := read(t, "nginx/nginx.conf")
	var servers, folders strings.Builder
	for _, upstream := range upstreams {
		fmt.Fprintf(&servers, "server %s max_fails=2 fail_timeout=3s; ", upstream)
	}
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&folders, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	if upstreams != nil {
		text = replaced(t, text, "server docket:8080 resolve max_fails=2 fail_timeout=3s;", servers.String())
	}
	text = replaced(t, text, append([]string{
		"listen 80;", "listen " + address + ";",
		"http {\n", "http {\n" + folders.String(),
	}, oldNew...)...)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(context.WithoutCancel(t.Context()), program,
		"-p", dir, "-c", file, "-g", "daemon off; pid "+filepath.Join(dir, "pid")+";")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	endWithUs(cmd.SysProcAttr)
	return address, cmd
}

// freeAddress is an address of this machine where nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func post(t *testing.T, base, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/graphql", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	return request
}

// do sends a request. It may be called from any goroutine.
func do(t *testing.T, request *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return 0, nil, ""
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, response.Header, string(content)
}

// errorCode is the code of the only error of a GraphQL response.
func errorCode(t *testing.T, body string) string {
	t.Helper()
	var response struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	if err := json.Unmarshal([]byte(body), &response); err != nil || len(response.Errors) != 1 {
		t.Errorf("not a GraphQL error: %q", body)
		return ""
	}
	return response.Errors[0].Extensions.Code
}

// within waits for something to happen.
func within(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is not so that %s", what)
		}
	}
}
