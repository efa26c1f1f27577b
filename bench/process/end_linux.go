package process

import "syscall"

// endWithUs has the kernel end the program should we be killed. SIGQUIT ends
// PostgreSQL with all of its processes, and Node and Go at once.
func endWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGQUIT }
