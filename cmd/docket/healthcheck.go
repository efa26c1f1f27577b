package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

const healthTimeout = 4 * time.Second // longer than the server gives its own checks

type healthcheckCommand struct {
	Listen     string `help:"Where the server on this machine listens." placeholder:"HOST:PORT" default:"localhost:8080"`
	TLSCert    string `help:"As the server's: it is asked over HTTPS." placeholder:"FILE"`
	ACMEDomain string `help:"As the server's: it is asked over HTTPS, for the first of these names." placeholder:"NAME,…"`
}

// Run asks the server whether it is ready. It is what an image without a shell
// has for a health check.
func (c healthcheckCommand) Run(ctx context.Context) error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %q is not HOST:PORT", c.Listen)
	}
	switch host { // one that listens everywhere is asked here
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.scheme()+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	// Every server answers to that, whatever its hosts are.
	request.Host = "localhost"
	client := http.Client{Transport: &http.Transport{ // no proxy stands between
		// It is this machine, whose certificate is for the names that others call it.
		TLSClientConfig: &tls.Config{ServerName: c.name(), InsecureSkipVerify: true}, //nolint:gosec // nothing is told, and "ready" is all that is believed
	}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", response.Status)
	}
	return nil
}

func (c healthcheckCommand) scheme() string {
	if c.TLSCert != "" || c.ACMEDomain != "" {
		return "https"
	}
	return "http"
}

// name is whose certificate the server is to show.
func (c healthcheckCommand) name() string {
	name, _, _ := strings.Cut(c.ACMEDomain, ",")
	return name
}
