package leaks_test

import (
	"io"
	"net"
	"testing"
)

// TestImpostor connects to what is not the database, or not as it should be: it
// hangs up, speaks something else, or asks for the password and no more.
func TestImpostor(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"hangs up":               "",
		"has no TLS":             "N",
		"says it has TLS":        "S",
		"says it, and lies":      "S not TLS at all",
		"is a web server":        "HTTP/1.1 400 Bad Request\r\n\r\n",
		"asks for the password":  "R\x00\x00\x00\x08\x00\x00\x00\x03",
		"refuses":                "E\x00\x00\x00\x2aSFATAL\x00C28P01\x00Mpassword is wrong here\x00\x00",
		"is of another protocol": "\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := impostor(t, says)
			s := plant("password")
			for _, options := range []string{
				"sslmode=disable",
				"sslmode=require",
				"sslmode=verify-full",
				"sslmode=require&sslinline=true&sslcert=" + s.String() + "&sslkey=" + s.String(),
				"sslmode=verify-full&sslinline=true&sslrootcert=" + s.String(),
				"sslmode=disable&options=-c%20password%3D" + s.String(),
			} {
				url := "postgres://docket:" + s.String() + "@" + address + "/docket?" + options
				out, err := run(t, []string{"DOCKET_DATABASE=" + url}, "migrate", "status")
				if err == nil {
					t.Errorf("is taken for a database with %s", options)
				}
				tell(t, []secret{s}, "with "+options, out)
			}
		})
	}
}

// impostor is the address of a server that says one thing to whoever connects.
func impostor(t *testing.T, says string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1024))
			_, _ = io.WriteString(c, says)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}
