package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"
)

// conn is HTTP/1.1 over one connection that stays open. net/http would do the
// same at several times the CPU, and the client shares its cores with what it
// measures.
type conn struct {
	addr, head string
	deadline   time.Time

	tcp  net.Conn
	in   *bufio.Reader
	out  []byte
	body bytes.Buffer
}

func newConn(u *url.URL, deadline time.Time) *conn {
	return &conn{
		addr: u.Host, deadline: deadline, in: bufio.NewReaderSize(nil, 64<<10),
		head: "POST " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host +
			"\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: ",
	}
}

func (c *conn) close() {
	if c.tcp != nil {
		_ = c.tcp.Close()
		c.tcp = nil
	}
}

// post sends one body. The answer is valid until the next call.
func (c *conn) post(body []byte) (status int, answer []byte, err error) {
	if c.tcp == nil {
		if err := c.dial(); err != nil {
			return 0, nil, err
		}
	}
	c.out = append(c.out[:0], c.head...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, body...)
	keep := false
	if _, err = c.tcp.Write(c.out); err == nil {
		status, keep, err = c.read()
	}
	if err != nil || !keep {
		c.close()
	}
	return status, c.body.Bytes(), err
}

func (c *conn) dial() (err error) {
	if c.tcp, err = (&net.Dialer{Deadline: c.deadline}).DialContext(context.Background(), "tcp", c.addr); err != nil {
		c.tcp = nil
		return err
	}
	c.in.Reset(c.tcp)
	return c.tcp.SetDeadline(c.deadline)
}

// read takes in one answer and says whether the connection may be used again.
func (c *conn) read() (status int, keep bool, err error) {
	line, err := c.line()
	if err != nil {
		return 0, false, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, false, fmt.Errorf("not an HTTP answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, err
	}
	length, keep, err := c.headers()
	if err != nil {
		return 0, false, err
	}
	c.body.Reset()
	if length >= 0 {
		_, err = io.CopyN(&c.body, c.in, length)
		return status, keep, err
	}
	if _, err = c.body.ReadFrom(httputil.NewChunkedReader(c.in)); err == nil {
		_, err = c.line() // there are no trailers, but an empty line
	}
	return status, keep, err
}

// headers reads those that matter; length is -1 for chunks.
func (c *conn) headers() (length int64, keep bool, err error) {
	length, keep = -1, true
	for {
		line, err := c.line()
		if err != nil || len(line) == 0 {
			return length, keep, err
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, false, err
			}
		case bytes.EqualFold(name, []byte("connection")):
			keep = !bytes.EqualFold(value, []byte("close"))
		}
	}
}

// line reads up to the next line's end and drops it.
func (c *conn) line() ([]byte, error) {
	b, err := c.in.ReadSlice('\n')
	return bytes.TrimRight(b, "\r\n"), err
}
