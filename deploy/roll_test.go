package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeDocker keeps its containers as files, and notes how many there were at each
// step. One that is made is called new, and is not healthy where sick is there.
const fakeDocker = `#!/bin/bash
set -eu
cd "$STATE"
echo "$(ls containers | wc -l) $*" >>log
case "$*" in
"compose ps --quiet docket") ls containers ;;
"stop "*) for c in "${@:2}"; do mv "containers/$c" "stopped/$c"; done ;;
"rm "*) rm "stopped/$2" ;;
"compose up --detach --wait --no-deps --no-recreate --scale docket="*" docket")
	wanted=$8
	for ((n = $(ls containers | wc -l); n < ${wanted#docket=}; n++)); do
		touch "containers/new$(wc -l <log)-$n"
	done
	[ ! -e sick ] ;;
*) echo "docker: what is $*?" >&2; exit 125 ;;
esac
`

// rolled runs deploy/docker/roll on so many servers; in state is what became of them.
func rolled(t *testing.T, script string, servers int, sick bool) (left, log []string, output string, err error) {
	t.Helper()
	state, bin := t.TempDir(), t.TempDir()
	for _, dir := range []string{"containers", "stopped"} {
		if err := os.Mkdir(filepath.Join(state, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	files := map[string]string{filepath.Join(bin, "docker"): fakeDocker, filepath.Join(bin, "roll"): script}
	for n := range servers {
		files[filepath.Join(state, "containers", fmt.Sprintf("old%d", n))] = ""
	}
	if sick {
		files[filepath.Join(state, "sick")] = ""
	}
	for file, text := range files {
		if err := os.WriteFile(file, []byte(text), 0o700); err != nil { //nolint:gosec // two are programs
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(bin, "roll"))
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "STATE=" + state}
	out, err := cmd.CombinedOutput()
	entries, _ := os.ReadDir(filepath.Join(state, "containers"))
	for _, e := range entries {
		left = append(left, e.Name())
	}
	noted, _ := os.ReadFile(filepath.Join(state, "log"))
	return left, strings.Split(strings.TrimSpace(string(noted)), "\n"), string(out), err
}

// least is the least number of servers that ran at any step.
func least(log []string) string { return slices.Min(log)[:1] }

func TestRoll(t *testing.T) {
	t.Parallel()
	script := read(t, "docker/roll")
	left, log, out, err := rolled(t, script, 3, false)
	if err != nil || len(left) != 3 || strings.Contains(fmt.Sprint(left), "old") {
		t.Errorf("of three servers there are %s: %v %s", left, err, out)
	}
	if least(log) != "2" {
		t.Errorf("there were %s at times:\n%s", least(log), strings.Join(log, "\n"))
	}

	left, _, out, err = rolled(t, script, 2, true)
	if err == nil || !slices.Contains(left, "old1") || !strings.Contains(out, "does not get healthy") {
		t.Errorf("where the new one is sick, %s are left: %v %s", left, err, out)
	}
	left, _, out, err = rolled(t, script, 1, false)
	if err == nil || !slices.Equal(left, []string{"old0"}) || !strings.Contains(out, "1 servers run") {
		t.Errorf("the only server was replaced: %s, %v %s", left, err, out)
	}
	if _, _, out, err = rolled(t, script, 0, false); err == nil || !strings.Contains(out, "0 servers run") {
		t.Errorf("without a server: %v %s", err, out)
	}

	if _, log, _, _ = rolled(t, replaced(t, script, `docker stop "$server"`, "docker stop $servers"), 3, false); least(log) == "2" {
		t.Error("a planted mistake is not seen: all are stopped at once")
	}
	if _, _, out, err = rolled(t, replaced(t, script, "--no-recreate", "--force-recreate"), 2, false); err == nil || !strings.Contains(out, "what is compose up") {
		t.Errorf("a planted mistake is not seen: all are made again (%s)", out)
	}
}
