package pgtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// cluster is a server before it runs: its programs, its directory and the
// account it runs under.
type cluster struct {
	bin    string
	dir    folder
	as     *syscall.Credential // nil for our own
	cached string              // where its kind of data directory is kept, or ""

	port    string   // a part of the socket's name, too
	options []string // of the server, beside the settings
	conf    string   // lines of its postgresql.conf
	durable bool     // it keeps what it acknowledges, through a crash
	copied  *cluster // the one that it is a standby of; nil for none
}

// newCluster claims a directory in base; it is the caller's to remove.
func newCluster(pgbin, base string) (*cluster, error) {
	bin, err := find(pgbin)
	if err != nil {
		return nil, err
	}
	as, err := Account()
	if err != nil {
		return nil, err
	}
	sweep(base)
	dir, err := claim(base)
	if err != nil {
		return nil, err
	}
	if as != nil {
		if err := os.Chown(dir.path, int(as.Uid), int(as.Gid)); err != nil {
			dir.remove()
			return nil, err
		}
	}
	c := &cluster{bin: bin, dir: dir, as: as, port: "5432"}
	c.cached = c.cachePath()
	return c, nil
}

// Account is who runs the server: ourselves, or for root somebody else, since
// PostgreSQL refuses root and any user without an entry in /etc/passwd.
func Account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
		if uerr == nil && gerr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

func (c *cluster) data() string { return filepath.Join(c.dir.path, "data") }

// command is a program of the server's, in its directory and under its
// account. PG* variables are the caller's wishes for another server.
func (c *cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.dir.path
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PG") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C", "TZ=UTC", "HOME="+c.dir.path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	return cmd
}

// initialise makes the data directory, from the cache if it can.
func (c *cluster) initialise(ctx context.Context) error {
	if c.copied != nil {
		return c.copy(ctx, c.copied)
	}
	if c.restore(ctx) {
		return nil
	}
	out, err := c.command(ctx, filepath.Join(c.bin, "initdb"), append(initdbArgs(), "-D", c.data())...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	c.keep(ctx)
	return nil
}

// initdbArgs order text by its bytes, the same everywhere, while upper and
// lower know all letters. Small log segments make a small directory to copy.
func initdbArgs() []string {
	ctype := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		ctype = "en_US.UTF-8" // the former is not on every macOS
	}
	return []string{
		"--username=postgres", "--auth=trust", "--encoding=UTF8",
		"--locale=C", "--lc-ctype=" + ctype, "--wal-segsize=1", "--no-sync",
	}
}

// cachePath depends on all that makes one data directory unlike another. A
// package upgrade changes the size or the time of the program.
func (c *cluster) cachePath() string {
	base, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	program := filepath.Join(c.bin, "postgres")
	info, err := os.Stat(program)
	if err != nil {
		return ""
	}
	kind := fmt.Sprintln(program, info.Size(), info.ModTime().UnixNano(), initdbArgs(), c.as)
	return filepath.Join(base, "docket", fmt.Sprintf("postgres-%.6x", sha256.Sum256([]byte(kind))))
}
