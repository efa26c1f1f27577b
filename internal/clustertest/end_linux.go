package clustertest

import "syscall"

// endWithUs has the kernel end a process should the test be killed.
func endWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
