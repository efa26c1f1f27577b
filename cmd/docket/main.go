// Command docket serves and migrates the booking platform.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a container has no zones of its own

	"github.com/alecthomas/kong"

	"docket/internal/config"
)

type commands struct {
	Config      kong.ConfigFlag    `help:"Read settings from this JSON file; flags and variables win." placeholder:"FILE"`
	Serve       serveCommand       `cmd:"" help:"Serve the API."`
	Token       tokenCommand       `cmd:"" help:"Make a token for a server with --dev-tokens."`
	Migrate     migrateCommands    `cmd:"" help:"Write, check and apply migrations."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask a server whether it is ready."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "docket:", err)
		os.Exit(1)
	}
}

// run is main with everything given.
func run(ctx context.Context, args []string, out io.Writer) error {
	var c commands
	parser, err := kong.New(&c, kong.Name("docket"),
		kong.Description("An entity platform for appointment booking."),
		kong.Configuration(config.File),
		kong.DefaultEnvars("DOCKET"),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(out, (*io.Writer)(nil)),
		kong.UsageOnError())
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return unrepeated(err, args)
	}
	return command.Run()
}

// unrepeated tells of an argument that was not expected by its place alone: it
// may be a secret, or a URL with one, whose flag was forgotten.
func unrepeated(err error, args []string) error {
	for i, arg := range args {
		if err.Error() == "unexpected argument "+arg {
			return fmt.Errorf("unexpected argument: number %d is neither a command nor a flag's value", i+1)
		}
	}
	return err
}
