// Package process starts the programs that are measured, ends them, and says
// what they use.
package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Process is a program that runs. It ends with [Process.Stop], or with us.
type Process struct {
	PID  int
	stop syscall.Signal
	log  string
	done chan struct{}
}

// Start runs cmd with its output in the file log, in a group of its own: an
// interrupt at the terminal is for us, who then end it with stop, in order.
func Start(cmd *exec.Cmd, log string, stop syscall.Signal) (*Process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	endWithUs(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{PID: cmd.Process.Pid, stop: stop, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Await tries until it works, as long as the program runs.
func (p *Process) Await(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.explain(fmt.Errorf("it ended: %w", err))
		case <-ctx.Done():
			return p.explain(err)
		case <-time.After(time.Millisecond):
		}
	}
}

// explain adds the end of the log to an error.
func (p *Process) explain(err error) error {
	const most = 2 << 10
	log, _ := os.ReadFile(p.log)
	return fmt.Errorf("%w\nlog:\n%s", err, bytes.TrimSpace(log[max(0, len(log)-most):]))
}

// Stop ends the program and all that it started.
func (p *Process) Stop() {
	_ = syscall.Kill(p.PID, p.stop)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-p.PID, syscall.SIGKILL) // what is left of its group
	<-p.done
}
