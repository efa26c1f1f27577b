package server_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Whoever was let in is answered, also who came just before the end: the kernel
// completes a connection before the server knows of it.
func TestRunAnswersWhoGotIn(t *testing.T) {
	t.Parallel()
	const rounds, clients = 6, 8
	var answered, refused, lost atomic.Int64
	for range rounds {
		var plain net.ListenConfig
		plain.SetMultipathTCP(false)
		l, err := plain.Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		s := setup(t)
		s.Drain = 100 * time.Millisecond
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx, l) }()
		var working sync.WaitGroup
		for range clients {
			working.Go(func() {
				for {
					got, err := knock(t.Context(), l.Addr().String())
					switch {
					case !got:
						refused.Add(1)
						return
					case err != nil:
						lost.Add(1)
					default:
						answered.Add(1)
					}
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		stop()
		must(t, <-ended)
		working.Wait()
	}
	t.Logf("%d answered, %d refused, %d lost", answered.Load(), refused.Load(), lost.Load())
	if answered.Load() < rounds*clients || refused.Load() != rounds*clients {
		t.Errorf("%d were answered, %d refused", answered.Load(), refused.Load())
	}
	if lost.Load() > 0 {
		t.Errorf("%d that were let in got no answer", lost.Load())
	}
}

// knock sends a request on a connection of its own. got is false where there was none.
func knock(ctx context.Context, address string) (got bool, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return !errors.Is(err, syscall.ECONNREFUSED), err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		return true, err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.Contains(line, "200") {
		err = errors.New(line)
	}
	return true, err
}
