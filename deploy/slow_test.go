package deploy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// slowClients is how many there are; nginx has room for 4,096 connections in each
// of its processes.
const slowClients = 200

// TestSlowClients has clients that send, or read, next to nothing. nginx has a
// request whole before a server hears of it, and takes the answer from the server
// at once: no server waits, nor does any other client.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	for name, slowly := range map[string]func(t *testing.T, conn net.Conn){
		"bodies": func(t *testing.T, conn net.Conn) {
			t.Helper()
			_, err := io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: docket\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
			if err != nil {
				t.Error(err)
			}
		},
		"heads": func(t *testing.T, conn net.Conn) {
			t.Helper()
			if _, err := io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: doc"); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var open, asked atomic.Int64
			upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
			upstream.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					open.Add(1)
				}
			}
			upstream.Start()
			defer upstream.Close()
			base := nginx(t, upstream.Listener.Addr().String())
			for range slowClients {
				slowly(t, dial(t, base))
			}
			const others = 20
			for range others {
				if status, _, body := do(t, post(t, base, "{}")); status != http.StatusOK {
					t.Errorf("another client: %d %s", status, body)
				}
			}
			if asked.Load() != others || open.Load() > others {
				t.Errorf("the server heard %d requests over %d connections, of %d that were whole", asked.Load(), open.Load(), others)
			}
		})
	}

	t.Run("readers", func(t *testing.T) {
		t.Parallel()
		const readers = 20
		var answered atomic.Int64
		answer := []byte(strings.Repeat("an answer that does not fit into the buffers of a connection ", 100_000))
		upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/long" {
				_, _ = w.Write(answer)
				answered.Add(1)
			}
		}))
		defer upstream.Close()
		base := nginx(t, upstream.Listener.Addr().String())
		for range readers {
			if _, err := io.WriteString(dial(t, base), "GET /long HTTP/1.1\r\nHost: docket\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
		}
		within(t, "the server is rid of its answers", func() bool { return answered.Load() == readers })
		if status, _, body := do(t, post(t, base, "{}")); status != http.StatusOK {
			t.Errorf("another client: %d %s", status, body)
		}
	})
}

// TestSlowClientsOfDocket has slow clients of docket itself behind nginx, which
// stops at once: it has none of them.
func TestSlowClientsOfDocket(t *testing.T) {
	t.Parallel()
	i := newImage(t)
	s := i.Serve(t, []string{"DOCKET_LISTEN=127.0.0.1:0", "DOCKET_DATABASE=" + i.Database})
	base := nginx(t, s.Address)
	body := query(1000)
	var slow []net.Conn
	for range slowClients {
		conn := dial(t, base)
		if _, err := fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:len(body)-1]); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	if status, _, body := do(t, post(t, base, `{"query": "{ __typename }"}`)); status != http.StatusOK {
		t.Errorf("another client: %d %s", status, body)
	}
	for _, conn := range slow[:10] { // who comes to an end is answered
		if _, err := io.WriteString(conn, body[len(body)-1:]); err != nil {
			t.Fatal(err)
		}
		first := make([]byte, len("HTTP/1.1 200"))
		if _, err := io.ReadFull(conn, first); err != nil || string(first) != "HTTP/1.1 200" {
			t.Errorf("a slow client: %q %v", first, err)
		}
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-s.Done:
		if err != nil {
			t.Errorf("docket ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("docket waits for slow clients of nginx")
	}
}

// dial connects to nginx until the test ends.
func dial(t *testing.T, base string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}
