package main

import (
	"fmt"
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

// whereProfiled says where it is seen, if it is on.
func (c serveCommand) whereProfiled(l net.Listener) string {
	if !c.Profiles() {
		return ""
	}
	return fmt.Sprintf("What requests do, with their SQL, is shown at %s://%s/debug/requests\n", c.scheme(), c.address(l))
}
