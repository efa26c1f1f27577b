// Command check reads deploy files with the parsers of the tools they are for,
// and prints what those understood, as JSON.
//
// It is a module of its own because those parsers come with more dependencies
// than docket has.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: check compose|dockerfile|grafana|dashboard|datadog-agent|datadog-check|datadog-monitors|datadog-percentiles|datadog-pipeline FILE")
	}
	var understood any
	var err error
	switch args[0] {
	case "compose":
		understood, err = compose(ctx, args[1])
	case "dockerfile":
		understood, err = dockerfile(args[1])
	case "grafana":
		understood, err = grafana(args[1])
	case "dashboard":
		understood, err = board(args[1])
	case "datadog-agent":
		understood, err = agent(args[1])
	case "datadog-check":
		understood, err = agentCheck(args[1])
	case "datadog-monitors":
		understood, err = monitors(args[1])
	case "datadog-percentiles":
		understood, err = percentiles(args[1])
	case "datadog-pipeline":
		understood, err = pipeline(args[1])
	default:
		err = fmt.Errorf("cannot check a %q", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(understood)
}

// compose is the project as docker compose would run it, with all profiles, and
// no variable set.
func compose(ctx context.Context, file string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(filepath.Dir(file)), cli.WithProfiles([]string{"*"}))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(ctx)
}

type stage struct {
	Name, Base string
	Commands   []command
}

type command struct{ Name, Code string }

// dockerfile is the stages of the file. What docker build would warn of is an
// error.
func dockerfile(file string) ([]stage, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	parsed, err := parser.Parse(f)
	if err != nil {
		return nil, err
	}
	var warnings []error
	warn := func(rule, description, _, message string, at []parser.Range) {
		warnings = append(warnings, fmt.Errorf("%s: %s (%s) at %v", rule, message, description, at))
	}
	for _, w := range parsed.Warnings {
		warnings = append(warnings, errors.New(w.Short))
	}
	found, _, err := instructions.Parse(parsed.AST, linter.New(&linter.Config{Warn: warn}))
	if err != nil {
		return nil, err
	}
	var stages []stage
	for _, s := range found {
		known := stage{Name: s.Name, Base: s.BaseName}
		for _, c := range s.Commands {
			known.Commands = append(known.Commands, command{Name: c.Name(), Code: fmt.Sprint(c)})
		}
		stages = append(stages, known)
	}
	return stages, errors.Join(warnings...)
}
