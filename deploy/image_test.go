package deploy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const nobody = 65534 // USER in the Dockerfile

// secretive is an argument, or a variable, that would have a secret.
var secretive = regexp.MustCompile(`(?i)token|passw|secret|credential|netrc|auth|_key`)

func TestDockerfile(t *testing.T) {
	t.Parallel()
	var stages []struct {
		Name, Base string
		Commands   []struct{ Name, Code string }
	}
	text := read(t, "docker/Dockerfile")
	if err := check(t, "dockerfile", text, &stages); err != nil {
		t.Fatal(err)
	}
	var mounted bool
	for _, stage := range stages {
		for _, c := range stage.Commands {
			mounted = mounted || strings.Contains(c.Code, "--mount=type=secret,id=netrc ")
			if (c.Name == "ARG" || c.Name == "ENV") && secretive.MatchString(c.Code) {
				t.Errorf("%s stays in the history of the image: mount a secret", c.Code)
			}
		}
	}
	if !mounted {
		t.Error("modules of a private registry cannot be had")
	}
	final := stages[len(stages)-1]
	if final.Base != "scratch" {
		t.Errorf("the image is based on %s", final.Base)
	}
	var code []string
	for _, c := range final.Commands {
		code = append(code, c.Code)
	}
	all := strings.Join(code, "\n")
	for _, want := range []string{
		fmt.Sprintf("USER %d:%d", nobody, nobody), "ca-certificates.crt", `CMD ["/docket", "healthcheck"]`, `ENTRYPOINT ["/docket"]`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the image lacks %s:\n%s", want, all)
		}
	}
	refused(t, check(t, "dockerfile", replaced(t, text, "RUN ", "RUNN "), &stages), "unknown instruction", "RUNN")
	refused(t, check(t, "dockerfile", replaced(t, text, "--interval", "--intervall"), &stages), "intervall")
	refused(t, check(t, "dockerfile", replaced(t, text, " AS build", " as build"), &stages), "FromAsCasing")
}

// TestIgnore holds .dockerignore to what git ignores: the Go command stamps a
// binary as modified where a tracked file is missing.
func TestIgnore(t *testing.T) {
	t.Parallel()
	ignored := map[string]bool{}
	for line := range strings.Lines(read(t, "../.gitignore")) {
		ignored[strings.Trim(line, "/\n")] = true
	}
	for line := range strings.Lines(read(t, "../.dockerignore")) {
		name := strings.Trim(strings.TrimPrefix(line, "**"), "/\n")
		if !strings.HasPrefix(line, "#") && !ignored[name] {
			t.Errorf("the image is built without %s, which git does not ignore", name)
		}
	}
}

// image is docket as its image runs it.
type image struct {
	root     string // what it sees as /
	chroot   bool
	Database string
}

// newImage makes a folder that has, like the image, nothing but the binary in
// it, and a volume that nobody may write to. Only root can make a program see
// it as its root and run as nobody: for others it runs as they are.
func newImage(t *testing.T) image {
	t.Helper()
	i := image{root: shared(t), chroot: os.Getuid() == 0, Database: "sqlite:///data/docket.db"}
	data := filepath.Join(i.root, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if i.chroot {
		if err := os.Chown(data, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	} else {
		i.Database = "sqlite://" + filepath.Join(data, "docket.db")
	}
	// A link, as a program that this process has written may be busy yet: another
	// that it starts just now has the file open, too.
	if err := os.Link(docket(t), filepath.Join(i.root, "docket")); err != nil {
		t.Fatal(err)
	}
	return i
}

// File is the database as the test sees it.
func (i image) File() string { return filepath.Join(i.root, "data", "docket.db") }

func (i image) Command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(i.root, "docket"), args...)
	cmd.Env = append([]string{}, env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if i.chroot {
		cmd.Path, cmd.Dir = "/docket", "/"
		cmd.SysProcAttr.Chroot = i.root
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	endWithUs(cmd.SysProcAttr)
	return cmd
}

// Run runs docket to its end.
func (i image) Run(t *testing.T, env []string, args ...string) (output string, err error) {
	t.Helper()
	out, err := i.Command(t.Context(), env, args...).CombinedOutput()
	return string(out), err
}

// served is a server that runs.
type served struct {
	Address string
	Process *os.Process
	Done    <-chan error // what it ended with
}

// Serve starts the server and waits until it says where it answers.
func (i image) Serve(t *testing.T, env []string) served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := i.Command(ctx, env, "serve")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	done := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		done <- cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("docket:\n%s", log.String())
		}
	})
	found := regexp.MustCompile(`http://(\S+)/graphql`).FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("docket serve does not say where it answers: %q, %v", line, err)
	}
	return served{found[1], cmd.Process, done}
}

// shared is a temporary folder that other users may read.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "docket-deploy-") // t.TempDir is in a folder that only its owner enters
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // nobody has to enter it
		t.Fatal(err)
	}
	return dir
}
