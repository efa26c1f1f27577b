package faults_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"docket/internal/dbtest"
	"docket/internal/pgtest"
)

// disk is a small one, which can be filled and emptied.
type disk struct{ path string }

// smallDisk mounts one, for which the test has to be root or to become it
// without a question; else the test is skipped.
func smallDisk(t *testing.T, megabytes int) *disk {
	t.Helper()
	path, err := os.MkdirTemp("", "docket-disk-") // PostgreSQL may not enter the folders of a test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(path) })
	asRoot := []string{}
	if os.Geteuid() != 0 {
		asRoot = []string{"sudo", "-n"}
	}
	root := func(args ...string) error {
		args = append(asRoot, args...)
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput() //nolint:noctx // it takes no time
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if err := root("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm,mode=0777", megabytes), "tmpfs", path); err != nil {
		t.Skip("a small disk cannot be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := root("umount", path); err != nil {
			t.Error(err)
		}
	})
	return &disk{path}
}

func (d *disk) filler() string { return filepath.Join(d.path, "filler") }

// fill takes all the room that is left.
func (d *disk) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(d.filler())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// free gives it back.
func (d *disk) free(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		t.Fatal(err)
	}
}

// tablespace has a server keep databases on the disk.
func (d *disk) tablespace(t *testing.T, server *pgtest.Server) {
	t.Helper()
	path := filepath.Join(d.path, "postgres")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(server.Socket())
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
	admin := dbtest.At(t, server.DSN("postgres"))
	if _, err := admin.ExecContext(t.Context(), "CREATE TABLESPACE small LOCATION '"+path+"'"); err != nil {
		t.Fatal(err)
	}
}
