package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	prefix = "docket-pg-"
	// longest is the room macOS leaves for the path of a socket; Linux has 4
	// bytes more.
	longest = 103
	// roomy is the free space from which memory is preferred to disk. A
	// server takes some 50 MB and 8 MB for each database alive; a container
	// often has a /dev/shm of 64 MB, which is too little.
	roomy = 1 << 30
)

// scratch is where servers live: in memory where there is room, else in the
// temporary folder, unless a socket's path would be too long there.
func scratch() string {
	var shm syscall.Statfs_t
	if syscall.Statfs("/dev/shm", &shm) == nil && uint64(shm.Bavail)*uint64(shm.Bsize) >= roomy && writable("/dev/shm") { //nolint:gosec // a size is never negative
		return "/dev/shm"
	}
	return onDisk()
}

// onDisk is the temporary folder, unless a socket's path would be too long there.
func onDisk() string {
	if tmp := os.TempDir(); len(tmp)+len("/"+prefix+"0123456789/.s.PGSQL.5432") <= longest {
		return tmp
	}
	return "/tmp"
}

func writable(dir string) bool {
	const writeAndSearch = 0o3
	return syscall.Access(dir, writeAndSearch) == nil
}

// folder is a directory of ours. The lock tells other processes that its
// owner is alive; the kernel lets go of it when the owner ends.
type folder struct {
	path string
	lock *os.File
}

// claim makes a locked folder in base. A sweeper that comes between the
// making and the locking takes the folder away; then another is made.
func claim(base string) (folder, error) {
	for {
		path, err := os.MkdirTemp(base, prefix)
		if err != nil {
			return folder{}, err
		}
		lock, err := tryLock(path)
		if err == nil {
			return folder{path, lock}, nil
		}
		if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.EWOULDBLOCK) {
			return folder{}, errors.Join(err, os.Remove(path))
		}
	}
}

// sweep removes the folders whose owner is gone. It is a courtesy: what is
// another user's, or cannot be removed now, stays for the next.
func sweep(base string) {
	paths, _ := filepath.Glob(filepath.Join(base, prefix+"*"))
	for _, path := range paths {
		if lock, err := tryLock(path); err == nil {
			folder{path, lock}.remove()
		}
	}
}

// remove deletes the folder before it lets go of the lock, so that it is
// never seen unlocked and half gone.
func (f folder) remove() {
	_ = os.RemoveAll(f.path)
	_ = f.lock.Close()
}

// tryLock fails with EWOULDBLOCK where another holds the lock, and with
// os.ErrNotExist where path is gone or another directory by now. The flags
// refuse the links and pipes that anyone may leave in a shared folder.
func tryLock(path string) (*os.File, error) {
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := lockOpened(dir, path); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

func lockOpened(dir *os.File, path string) error {
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	opened, err := dir.Stat()
	if err != nil {
		return err
	}
	now, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(opened, now) {
		return fmt.Errorf("%s was replaced: %w", path, os.ErrNotExist)
	}
	return nil
}
