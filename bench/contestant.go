package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"docket/bench/dataset"
	"docket/bench/load"
	"docket/bench/peer"
	"docket/bench/process"
)

// contestant is a peer that runs on a store.
type contestant struct {
	peer.Peer
	*process.Process
	store   *store
	url     string
	ready   time.Duration // from its start to its first answer
	cursors []string      // of W6
}

// everyone is who can be measured.
var everyone = []string{"floor", "docket", "postgraphile", "yoga", "floor-sqlite", "docket-sqlite"}

// programs are what was built or installed.
type programs struct{ dir, docket, floor, version string }

// build compiles docket and the floor into dir, as the image is built.
func build(ctx context.Context, o options, dir string) (programs, error) {
	p := programs{dir: dir, docket: filepath.Join(dir, "docket"), floor: filepath.Join(dir, "floor"), version: commit(ctx, o.source)}
	for program, from := range map[string][2]string{p.docket: {o.source, "./cmd/docket"}, p.floor: {folder("floor"), "."}} {
		cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", program, from[1])
		cmd.Dir, cmd.Env = from[0], append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return p, fmt.Errorf("build %s: %w\n%s", filepath.Base(program), err, out)
		}
	}
	return p, nil
}

// folder is one of the benchmark's, which is run where its module is or, by
// its test, where it is itself.
func folder(name string) string {
	if _, err := os.Stat(filepath.Join("bench", name)); err == nil {
		name = filepath.Join("bench", name)
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	return path
}

// peer is one by its name.
func (p programs) peer(ctx context.Context, name string) (peer.Peer, error) {
	switch name {
	case "floor":
		return peer.Floor(name, "pgx", p.floor), nil
	case "floor-sqlite":
		return peer.Floor(name, "modernc.org/sqlite", p.floor), nil
	case "docket", "docket-sqlite":
		return peer.Docket(name, p.version, p.docket), nil
	case "postgraphile":
		err := peer.Install(ctx, folder(name)) // before its version is read
		return peer.PostGraphile(folder(name)), err
	case "yoga":
		err := peer.Install(ctx, folder(name))
		return peer.Yoga(folder(name)), err
	}
	return peer.Peer{}, fmt.Errorf("peers: %q is none of %v", name, everyone)
}

// start runs a peer on a store until its first answer.
func start(ctx context.Context, p peer.Peer, s *store, dir string) (*contestant, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	cmd := p.Command(context.WithoutCancel(ctx), port, s.url) // Stop ends it, in order
	running, err := process.Start(cmd, filepath.Join(dir, p.Name+".log"), syscall.SIGTERM)
	if err != nil {
		return nil, err
	}
	c := &contestant{Peer: p, Process: running, store: s, url: "http://127.0.0.1:" + strconv.Itoa(port) + peer.Path}
	first := p.Body(peer.Provider, peer.Input{Provider: dataset.ProviderID(0)})
	err = running.Await(ctx, func() error {
		answer, err := load.Ask(c.url, first)
		if err != nil {
			return err
		}
		return workloads[0].check(answer)
	})
	if err != nil {
		running.Stop()
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	c.ready = time.Since(began)
	return c, nil
}

// bodies are the requests of a workload, in turn.
func (c *contestant) bodies(w workload, data dataset.Scale) ([][]byte, error) {
	inputs := w.inputs(data)
	if w.deep {
		if c.cursors == nil {
			if err := c.walk(data); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
		}
		inputs = make([]peer.Input, len(c.cursors))
		for i := range inputs {
			inputs[i].Cursor = c.cursors[i]
		}
	}
	all := make([][]byte, len(inputs))
	for i, in := range inputs {
		all[i] = c.Body(w.question, in)
	}
	return all, nil
}

// walk collects the cursors of W6 by paging there, as a reader would have to:
// they are opaque.
func (c *contestant) walk(data dataset.Scale) error {
	depth, pages := deepest(data)
	if c.Plain {
		for i := range pages {
			c.cursors = append(c.cursors, strconv.Itoa(dataset.ClientID(depth+i)))
		}
		return nil
	}
	const page = 500
	cursor := ""
	var all []string
	for len(all) < depth+pages {
		answer, err := load.Ask(c.url, c.Body(peer.Walk, peer.Input{First: page, Cursor: cursor}))
		if err != nil {
			return err
		}
		var found struct {
			Data struct {
				Clients struct{ Edges []struct{ Cursor string } }
			}
		}
		if err := json.Unmarshal(answer, &found); err != nil {
			return err
		}
		edges := found.Data.Clients.Edges
		if len(edges) == 0 {
			return fmt.Errorf("no page after %d clients: %.300s", len(all), answer)
		}
		for _, e := range edges {
			all = append(all, e.Cursor)
		}
		cursor = all[len(all)-1]
	}
	c.cursors = all[depth : depth+pages]
	return nil
}

// freePort is one that nobody listens on now.
func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
