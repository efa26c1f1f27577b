package deploy_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const websocket = "GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"

// TestUpgrade asks docket for a WebSocket. The API has no subscriptions, so
// there is nothing to be had over one: docket says so, as it does over SSE, and
// the connection can be used on.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	i := newImage(t)
	s := i.Serve(t, []string{"DOCKET_LISTEN=127.0.0.1:0", "DOCKET_DATABASE=" + i.Database})
	base := nginx(t, s.Address)
	if _, _, body := do(t, post(t, base, `{"query": "{ __schema { subscriptionType { name } } }"}`)); body != `{"data":{"__schema":{"subscriptionType":null}}}` {
		t.Errorf("the API has subscriptions, and they are to be tried here: %s", body)
	}
	conn := dial(t, base)
	from := bufio.NewReader(conn)
	for range 2 {
		if _, err := io.WriteString(conn, websocket); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusBadRequest || errorCode(t, string(body)) != "BAD_USER_INPUT" {
			t.Errorf("a WebSocket: %d %s %v", answer.StatusCode, body, err)
		}
	}
	const subscription = `{"query": "subscription { reservations { id } }"}`
	if _, _, body := do(t, post(t, base, subscription)); !strings.Contains(body, "subscription") || !strings.Contains(body, "errors") {
		t.Errorf("a subscription: %s", body)
	}
	events := post(t, base, subscription)
	events.Header.Set("Accept", "text/event-stream")
	if status, header, body := do(t, events); status != http.StatusNotAcceptable || header.Get("Content-Type") == "text/event-stream" {
		t.Errorf("a subscription by SSE: %d %v %s", status, header, body)
	}
}

// TestNginxUpgrades holds nginx to what docket may once need: an upgrade goes
// through, in both directions.
func TestNginxUpgrades(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Connection") != "upgrade" || r.Header.Get("Upgrade") != "websocket" {
			t.Errorf("the server is asked with %v", r.Header)
		}
		conn, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, _ := both.ReadString('\n')
		_, _ = io.WriteString(conn, strings.ToUpper(line))
	}))
	defer upstream.Close()
	conn := dial(t, nginx(t, upstream.Listener.Addr().String()))
	if _, err := io.WriteString(conn, websocket); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(conn)
	answer, err := http.ReadResponse(from, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", answer, err)
	}
	_ = answer.Body.Close()
	if _, err := io.WriteString(conn, "said\n"); err != nil {
		t.Fatal(err)
	}
	if said, err := from.ReadString('\n'); err != nil || said != "SAID\n" {
		t.Errorf("over what was upgraded: %q %v", said, err)
	}
}

// TestNginxStreams has a server send one event, and the next when that has come.
func TestNginxStreams(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // what a server has to say; else nginx keeps what it can
		for n := range 2 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", n)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	}))
	defer upstream.Close()
	defer close(next)
	answer, err := http.DefaultClient.Do(get(t, nginx(t, upstream.Listener.Addr().String())+"/graphql"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	events := bufio.NewReader(answer.Body)
	for _, want := range []string{"data: 0\n", "\n", "data: 1\n"} {
		if line, err := events.ReadString('\n'); err != nil || line != want {
			t.Fatalf("%q %v, want %q", line, err, want)
		}
		if want == "\n" {
			next <- struct{}{}
		}
	}
}
