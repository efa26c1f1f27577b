package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// watched becomes the server ("$@") and leaves a watcher beside it, which
// reads from the owner, on descriptor 3. A line says that the server has
// ended; the end of the file, that the owner has. The watcher is a grandchild
// because the server takes the death of an unknown child for a crash. A dead
// server nobody waited for still answers to kill -0, but has no pid file.
const watched = `dir=$1; shift
( {
	read -r _ && exit
	kill -QUIT $$
	i=0
	while [ $i -lt 100 ] && [ -e "$dir/data/postmaster.pid" ] && kill -0 $$; do
		sleep 0.05
		i=$((i + 1))
	done
	kill -KILL $$
	rm -rf "$dir"
} <&3 >/dev/null 2>&1 & )
exec "$@" 3<&-`

// settings trade every safety of the data for speed, unless it has to be durable.
func settings(durable bool) []string {
	safety := "off"
	if durable {
		safety = "on"
	}
	return []string{
		"-c", "listen_addresses=",
		"-c", "fsync=" + safety, "-c", "synchronous_commit=" + safety, "-c", "full_page_writes=" + safety,
		"-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "checkpoint_warning=0",
		"-c", "autovacuum=off", "-c", "jit=off",
		"-c", "shared_buffers=32MB", "-c", "max_connections=200",
		// A killed server leaves nothing behind outside of its directory.
		"-c", "dynamic_shared_memory_type=mmap",
		"-c", "timezone=UTC", "-c", "log_timezone=UTC",
	}
}

// process is a running server.
type process struct {
	cmd      *exec.Cmd
	dir      folder
	log      string   // the file of its log
	lifeline *os.File // what the watcher waits on
	ended    chan struct{}
}

// launch starts the server, which may not take connections yet. ctx does not
// bound its life.
func (c *cluster) launch(ctx context.Context) (*process, error) {
	log, err := os.OpenFile(filepath.Join(c.dir.path, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()

	args := []string{"-c", watched, "sh", c.dir.path, filepath.Join(c.bin, "postgres"), "-D", c.data(), "-k", c.dir.path, "-p", c.port}
	cmd := c.command(context.WithoutCancel(ctx), "/bin/sh", slices.Concat(args, settings(c.durable), c.options)...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{reader}
	cmd.SysProcAttr.Setpgid = true // an interrupt at the terminal is for the owner
	if err := cmd.Start(); err != nil {
		_ = writer.Close()
		return nil, err
	}
	p := &process{cmd: cmd, dir: c.dir, log: log.Name(), lifeline: writer, ended: make(chan struct{})}
	go p.wait()
	return p, nil
}

// wait also keeps p, and so the lifeline and the lock, from being collected
// and closed while the server runs.
func (p *process) wait() {
	_ = p.cmd.Wait()
	_, _ = p.lifeline.WriteString("\n")
	_ = p.lifeline.Close()
	close(p.ended)
}

// stop ends the server at once and removes its directory.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // "immediate shutdown"
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	p.dir.remove()
}

// explain adds the end of the server's log to an error; without it, a server
// that broke is only a refused connection.
func (p *process) explain(err error) error {
	const most = 4 << 10
	if p == nil {
		return err
	}
	log, _ := os.ReadFile(p.log)
	log = bytes.TrimSpace(log[max(0, len(log)-most):])
	return fmt.Errorf("%w\nserver log:\n%s", err, log)
}
