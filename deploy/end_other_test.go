//go:build !linux

package deploy_test

import "syscall"

// endWithUs is for Linux: elsewhere a killed test leaves its services running.
func endWithUs(*syscall.SysProcAttr) {}
