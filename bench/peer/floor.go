package peer

import (
	"context"
	"os/exec"
	"strconv"
)

// Floor is the program of bench/floor at path, with the driver that it uses.
func Floor(name, driver, path string) Peer {
	return Peer{
		Name: name, Version: "net/http, " + driver, Plain: true,
		Command: func(ctx context.Context, port int, database string) *exec.Cmd {
			return exec.CommandContext(ctx, path, "-listen", "127.0.0.1:"+strconv.Itoa(port), "-database", database)
		},
		Body: func(q Question, in Input) []byte {
			args := []int{}
			switch q {
			case Provider, Available:
				args = append(args, in.Provider)
			case Reserve:
				args = append(args, in.Client, in.Appointment)
			case Deep:
				after, _ := strconv.Atoi(in.Cursor) // a cursor of ours
				args = append(args, after)
			}
			return encode(map[string]any{"question": q, "args": args})
		},
	}
}
