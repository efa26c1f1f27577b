//go:build !linux

package ratelimit_test

import "syscall"

// endWithUs is for Linux: elsewhere a killed test leaves its Redis running.
func endWithUs(*syscall.SysProcAttr) {}
