//go:build !linux

package process

import "syscall"

// endWithUs is for Linux, as all that reads /proc.
func endWithUs(*syscall.SysProcAttr) {}
