package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPU is what a program and all that it started have used so far, those that
// have ended included.
func CPU(pid int) time.Duration {
	const tick = time.Second / 100 // USER_HZ is 100 on every Linux that Go runs on
	var ticks time.Duration
	all := processes()
	for _, p := range tree(all, pid) {
		ticks += all[p].ticks
	}
	return ticks * tick
}

// PSS is the memory in bytes that a program and all that it started have now;
// pages that are shared are split among those who share them.
func PSS(pid int) int64 {
	var kib int64
	for _, p := range tree(processes(), pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
				n, _ := strconv.ParseInt(f[1], 10, 64)
				kib += n
			}
		}
	}
	return kib << 10
}

type row struct {
	parent int
	ticks  time.Duration
}

// processes reads /proc/PID/stat of all; one that has just ended is left out.
func processes() map[int]row {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	all := map[int]row{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// The name, in brackets, may hold anything; after it comes the state.
		f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(f) < 15 {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		var r row
		r.parent, _ = strconv.Atoi(f[1])
		for _, field := range f[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.Atoi(field)
			r.ticks += time.Duration(n)
		}
		all[pid] = r
	}
	return all
}

func tree(all map[int]row, root int) []int {
	found := []int{root}
	for i := 0; i < len(found); i++ {
		for pid, r := range all {
			if r.parent == found[i] {
				found = append(found, pid)
			}
		}
	}
	return found
}
