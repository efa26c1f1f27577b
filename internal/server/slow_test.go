package server_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A client that sends one byte a second is cut off, however it goes about it.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	const head = "POST /graphql HTTP/1.1\r\nHost: docket\r\nContent-Type: application/json\r\n"
	for name, test := range map[string]struct {
		at     string // sent at once
		slowly string
		status int           // of the answer; none where there is no request yet
		within time.Duration // of the first byte
	}{
		"a line":         {"", strings.Repeat("G", 100), http.StatusBadRequest, 6 * time.Second},
		"headers":        {head + "X: ", strings.Repeat("x", 100), 0, 6 * time.Second},
		"a body":         {head + "Content-Length: 1000\r\n\r\n{", strings.Repeat(" ", 100), http.StatusRequestTimeout, 9 * time.Second},
		"a chunked body": {head + "Transfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\n \r\n", 20), http.StatusRequestTimeout, 9 * time.Second},
		"nothing at all": {"", "", 0, 6 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := complete(t)
			s.Reading = 8 * time.Second
			l, stop, ended := listen(t, s)
			here, there := net.Pipe()
			l.conns <- there
			began, closed := time.Now(), make(chan struct{})
			go func() {
				defer close(closed)
				answered, err := http.ReadResponse(bufio.NewReader(here), nil)
				switch {
				case err == nil:
					text, _ := io.ReadAll(answered.Body)
					_ = answered.Body.Close()
					if answered.StatusCode != test.status || test.status == http.StatusRequestTimeout && !strings.Contains(string(text), "in time") {
						t.Errorf("%s: %d %s", name, answered.StatusCode, text)
					}
				case test.status != 0:
					t.Errorf("%s: %v", name, err)
				}
				if took := time.Since(began); took > test.within {
					t.Errorf("%s: it took %v", name, took)
				}
				_ = here.Close()
			}()
			if _, err := io.WriteString(here, test.at); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, b := range []byte(test.slowly) {
				time.Sleep(time.Second)
				if _, err := here.Write([]byte{b}); err != nil {
					break
				}
			}
			<-closed
			stop()
			must(t, <-ended)
		})
	}
}
