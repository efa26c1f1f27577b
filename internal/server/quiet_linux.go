package server

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// handshake is how long one may take that a client has begun: its packets go to and
// fro once. bound is for how long connections are waited for that nobody takes.
const (
	handshake = 50 * time.Millisecond
	bound     = 2 * time.Second
)

// quiet returns when nobody waits to be accepted, so that the listener can be closed
// without a loss. The kernel makes connections by itself, and resets those that
// nobody has accepted: on any of them a proxy may have sent a mutation already. So
// it is told to pass over whoever begins to connect. They try again after a second,
// and are refused then, which a proxy may answer by asking another server.
//
// Where the kernel cannot be told, the listener is closed as others are.
func quiet(l net.Listener) {
	c, ok := l.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	onSocket := func(f func(fd int) error) error {
		var failed error
		if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
			return err
		}
		return failed
	}
	if onSocket(passOver) != nil {
		return
	}
	time.Sleep(handshake)
	for end := time.Now().Add(bound); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var waiting uint32
		err := onSocket(func(fd int) error {
			info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			if err == nil {
				waiting = info.Unacked // of a listener: how many wait to be accepted
			}
			return err
		})
		if err != nil || waiting == 0 {
			return
		}
	}
}

// passOver drops packets that have SYN (0x02) and not ACK (0x10) among their flags,
// byte 13 of a TCP header (RFC 9293, section 3.1): the first of a connection.
func passOver(fd int) error {
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0x12},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0x02, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}) //nolint:gosec // it has five lines
}
