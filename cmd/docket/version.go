package main

import (
	"fmt"
	"io"
	"runtime/debug"
)

type versionCommand struct {
	Modules bool `help:"Print the modules that are in the binary, too: their versions and checksums."`
}

// Run prints what the Go command stamped into the binary. A binary that was not
// built in a clean clone says so: no commit has all of it.
func (c versionCommand) Run(out io.Writer) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this binary carries no version")
	}
	revision, modified := "unknown revision", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", modified"
		}
	}
	if err := say(out, "docket %s (%s%s, %s)\n", info.Main.Version, revision, modified, info.GoVersion); err != nil || !c.Modules {
		return err
	}
	for _, m := range info.Deps {
		if err := say(out, "%s %s %s\n", m.Path, m.Version, m.Sum); err != nil {
			return err
		}
	}
	return nil
}
