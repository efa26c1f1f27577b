package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"docket/internal/pgtest"
	"docket/internal/programtest"
)

// commands are those of a block of docs/backup.md, the nth under the heading, with
// what differs here.
func commands(t *testing.T, heading string, nth int, oldNew ...string) []string {
	t.Helper()
	_, section, found := strings.Cut(read(t, "../docs/backup.md"), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := regexp.MustCompile("(?s)```(?:bash|sql)\n(.*?)```").FindAllStringSubmatch(section, -1)
	if !found || nth >= len(blocks) {
		t.Fatalf("docs/backup.md has no block %d of commands under %q", nth, heading)
	}
	return strings.Split(strings.TrimSpace(replaced(t, strings.ReplaceAll(blocks[nth][1], "\\\n", ""), oldNew...)), "\n")
}

// vault is a PostgreSQL with deploy/backup's settings, and its backups.
type vault struct {
	*pgtest.Server
	config string // the folder
	conf   string // what pgbackrest.conf says, but for the data directory
	path   string // of the commands
}

// newVault has the settings with changes, such as mistakes.
func newVault(t *testing.T, oldNew ...string) *vault {
	t.Helper()
	for _, tool := range []string{"pgbackrest", "check_pgbackrest"} {
		_, err := exec.LookPath(tool)
		programtest.Need(t, tool, err)
	}
	v := &vault{config: shared(t)}
	conf := replaced(t, read(t, "backup/postgresql.conf"), "'pgbackrest ", "'pgbackrest --config-path="+v.config+" ")
	pgbackrest := read(t, "backup/pgbackrest.conf")
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(conf+pgbackrest, oldNew[i]) {
			t.Fatalf("%q is not there to be replaced", oldNew[i])
		}
	}
	change := strings.NewReplacer(oldNew...)
	v.Server = pgtest.NewArchiving(t, change.Replace(conf))
	v.path = filepath.Dir(docket(t))
	for _, dir := range []string{programs, v.config} {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the account of PostgreSQL enters it
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(v.config, "conf.d"), 0o777); err != nil { //nolint:gosec // and writes there
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(v.config, "conf.d"), 0o777); err != nil { //nolint:gosec // whatever the umask
		t.Fatal(err)
	}
	v.conf = replaced(t, change.Replace(pgbackrest), "repo1-path=/var/lib/pgbackrest", "repo1-path="+v.repo()+"\nlock-path="+v.Directory()+"/lock")
	v.names(t, v.Data())
	if err := os.WriteFile(filepath.Join(v.config, "verify"), []byte(read(t, "backup/verify")), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return v
}

// repo is where the backups are: beside the data, where its account may write.
func (v *vault) repo() string { return filepath.Join(v.Directory(), "repo") }

// names has pgbackrest.conf name a data directory, and the socket beside it.
func (v *vault) names(t *testing.T, data string) {
	t.Helper()
	text := replaced(t, v.conf, "pg1-path=/var/lib/postgresql/15/main", "pg1-path="+data, "pg1-socket-path=/var/run/postgresql", "pg1-socket-path="+filepath.Dir(data))
	if err := os.WriteFile(filepath.Join(v.config, "pgbackrest.conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

var pgbackrest = regexp.MustCompile(`\bpgbackrest --`)

// run runs commands as the account of PostgreSQL. A warning is a failure.
func (v *vault) run(t *testing.T, lines []string, env ...string) (out string, err error) {
	t.Helper()
	for _, line := range lines {
		cmd := v.Command(t.Context(), "bash", "-c", pgbackrest.ReplaceAllString(line, "pgbackrest --config-path="+v.config+" --"))
		cmd.Env = append(cmd.Env, "PATH="+v.path+":"+path(cmd.Env), "PGBACKREST_CONFIG_PATH="+v.config)
		cmd.Env = append(cmd.Env, env...)
		said, failed := cmd.CombinedOutput()
		out += string(said)
		if failed == nil && strings.Contains(string(said), "WARN") {
			failed = fmt.Errorf("a warning")
		}
		if failed != nil {
			return out, fmt.Errorf("%s: %w\n%s", line, failed, said)
		}
	}
	return out, nil
}

func path(env []string) (value string) {
	for _, v := range env {
		if rest, is := strings.CutPrefix(v, "PATH="); is {
			value = rest // the last one counts
		}
	}
	return value
}

func (v *vault) must(t *testing.T, lines []string, env ...string) string {
	t.Helper()
	out, err := v.run(t, lines, env...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// nightly are the commands of each night: a backup, and what looks at it.
func (v *vault) nightly(t *testing.T) []string {
	t.Helper()
	return commands(t, "Each night", 0, "/etc/pgbackrest", v.config)
}

// setUp does what the page says, once.
func (v *vault) setUp(t *testing.T) {
	t.Helper()
	v.must(t, commands(t, "Set up", 0, "/etc/pgbackrest", v.config))
	v.must(t, commands(t, "Set up", 1))
}

// someday is the moment that the page has.
const someday = "2026-11-24 15:00:00.000000+00"

// beside restores beside the database.
func (v *vault) beside(t *testing.T, moment string) (*pgtest.Server, error) {
	t.Helper()
	return v.Recover(t, func(data string) error {
		_, err := v.run(t, commands(t, "Look at a moment", 0, someday, moment, "/var/lib/postgresql/15/moment", data))
		return err
	})
}

// instead restores, with more options, in the place of the database. The old one
// goes on here, but has no archive any more.
func (v *vault) instead(t *testing.T, section, options string, oldNew ...string) (*pgtest.Server, error) {
	t.Helper()
	return v.Recover(t, func(data string) error {
		v.names(t, data)
		_, err := v.run(t, commands(t, section, 0, append(oldNew, " restore", options+" restore")...))
		return err
	})
}
