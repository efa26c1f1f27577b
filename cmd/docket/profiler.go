package main

import (
	"fmt"
	"io"
	"net"
	"time"

	"docket/internal/profiler"
)

// profiler shows what requests do; nil where it is off.
func (c serveCommand) profiler() *profiler.Profiler {
	if !c.Profiles() {
		return nil
	}
	return profiler.New(time.Now)
}

// sayProfiled says where it is seen.
func (c serveCommand) sayProfiled(out io.Writer, l net.Listener) {
	if c.Profiles() {
		fmt.Fprintf(out, "what requests do, with their SQL: %s://%s/debug/requests\n", c.scheme(), c.address(l))
	}
}
