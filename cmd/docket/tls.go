package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"docket/internal/certificate"
	"docket/internal/server"
)

func (c serveCommand) scheme() string {
	if c.Secure() {
		return "https"
	}
	return "http"
}

// secure is how the server speaks HTTPS on the listener; nil where it does not.
func (c serveCommand) secure(ctx context.Context, l net.Listener, log *slog.Logger) (*server.TLS, error) {
	if !c.Secure() {
		return nil, nil
	}
	t := &server.TLS{HSTS: c.HSTS}
	if c.TLSCert != "" {
		files, err := certificate.NewFiles(c.TLSCert, c.TLSKey, time.Now, log)
		if err != nil {
			return nil, fmt.Errorf("tls-cert: %w", err)
		}
		t.Config, t.Knows, t.Ends = files.Config(), files.Knows, files.Ends
	} else {
		acme := certificate.NewACME(certificate.Order{
			Domains: c.Domains(), Directory: c.ACMEDirectory, Email: c.ACMEEmail, Cache: c.ACMECache, HTTP: c.RedirectFrom != "",
		}, time.Now, log)
		t.Config, t.Knows, t.Ends, t.Challenges = acme.Config(), acme.Knows, acme.Ends, acme.Challenges
		go acme.Keep(ctx)
	}
	if c.RedirectFrom == "" {
		return t, nil
	}
	var err error
	if t.Plain, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.RedirectFrom); err != nil {
		return nil, fmt.Errorf("redirect-from: %w", err)
	}
	if _, t.Port, err = net.SplitHostPort(l.Addr().String()); err != nil || c.RedirectPort != 0 {
		t.Port = strconv.Itoa(c.RedirectPort)
	}
	return t, nil
}
