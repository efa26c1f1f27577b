// Command docket serves and migrates the booking platform.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a container has no zones of its own

	"github.com/alecthomas/kong"
)

type commands struct {
	Config  kong.ConfigFlag `help:"Read settings from this JSON file; flags and variables win." placeholder:"FILE" env:"DOCKET_CONFIG"`
	Migrate migrateCommands `cmd:"" help:"Write, check and apply migrations."`
	Version versionCommand  `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "docket:", err)
		os.Exit(1)
	}
}

// run is main with everything given.
func run(ctx context.Context, args []string) error {
	var c commands
	parser, err := kong.New(&c, kong.Name("docket"),
		kong.Description("An entity platform for appointment booking."),
		kong.Configuration(kong.JSON),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.UsageOnError())
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return command.Run()
}
