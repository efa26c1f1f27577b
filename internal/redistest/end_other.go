//go:build !linux

package redistest

import "syscall"

// endWithUs is for Linux: elsewhere a killed test leaves its Redis running.
func endWithUs(*syscall.SysProcAttr) {}
