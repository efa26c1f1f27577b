package telemetry_test

import (
	"os/exec"
	"syscall"
)

// dieTogether ends what a test started when the test ends, however that comes.
func dieTogether(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
