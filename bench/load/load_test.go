package load_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"docket/bench/load"
)

// echo answers what it is asked; a long answer is sent in chunks.
func echo(t *testing.T) (url string, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil || bytes.Equal(body, []byte("broken")) {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/graphql", asked
}

func TestEveryRequestIsCountedOnce(t *testing.T) {
	t.Parallel()
	url, asked := echo(t)
	r, err := load.Load{
		URL: url, Bodies: [][]byte{[]byte("a"), []byte(strings.Repeat("b", 1<<16))},
		Workers: 4, For: 50 * time.Millisecond,
		Check: func(answer []byte) error {
			if len(answer) != 1 && len(answer) != 1<<16 {
				return errors.New("not what was sent")
			}
			return nil
		},
	}.Run(t.Context())
	if err != nil || r.Failed > 0 || r.Requests == 0 || int64(r.Requests) != asked.Load() {
		t.Errorf("%+v, %v; the server saw %d", r, err, asked.Load())
	}
}

func TestOnceEndsWithTheBodies(t *testing.T) {
	t.Parallel()
	url, asked := echo(t)
	r, err := load.Load{
		URL: url, Bodies: [][]byte{[]byte("skipped"), []byte("a"), []byte("broken"), []byte("c")}, Once: true, Skip: 1,
		Workers: 2, For: time.Minute, Check: func([]byte) error { return nil },
	}.Run(t.Context())
	if err != nil || r.Requests != 2 || r.Failed != 1 || r.Failure == nil || asked.Load() != 3 {
		t.Errorf("%+v, %v; the server saw %d", r, err, asked.Load())
	}
}

func TestOnlyThisMachineIsAsked(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://192.0.2.1:80/graphql", "http://example.org/graphql", "http://[2001:db8::1]/graphql"} {
		if _, err := load.Ask(url, nil); err == nil {
			t.Errorf("%s was asked", url)
		}
	}
}
