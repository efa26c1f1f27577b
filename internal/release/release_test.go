package release_test

import (
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const version = "v1.2.3"

// tagged is a repository with two versions, of which the last is checked out.
func tagged(t *testing.T) string {
	t.Helper()
	dir := copied(t)
	must(t, dir, "git", "tag", "v1.2.2")
	must(t, dir, "git", "tag", "h-not-a-version")
	commit(t, dir, "booking: refuse slots in the past")
	must(t, dir, "git", "tag", "v1.2.3-rc.1")
	commit(t, dir, "api: say why")
	must(t, dir, "git", "tag", version)
	return dir
}

// TestRelease makes a release twice, in two places and for two people, and looks
// at it as who downloads it does.
func TestRelease(t *testing.T) {
	t.Parallel()
	need(t, "npm")
	here := runtime.GOOS + "/" + runtime.GOARCH
	args, other := []string{version, "bin/out", here}, []string{
		"GOFLAGS=-tags=planted -trimpath=false", "GOAMD64=v3", "LC_ALL=C.UTF-8", "TZ=Asia/Kathmandu",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=tar.umask", "GIT_CONFIG_VALUE_0=0077",
	}
	if *long {
		args, other = args[:2], append(other, "GOCACHE="+t.TempDir())
	}
	first, second := tagged(t), tagged(t)
	must(t, first, ".ci/release", args...)
	if out, status := run(t, second, other, ".ci/release", args...); status != 0 {
		t.Fatalf("%d\n%s", status, out)
	}
	folder, commit := filepath.Join(first, "bin/out"), must(t, first, "git", "rev-parse", "HEAD")

	sums := read(t, filepath.Join(folder, "SHA256SUMS"))
	if again := read(t, filepath.Join(second, "bin/out/SHA256SUMS")); sums != again {
		t.Errorf("made twice, it is not the same:\n%s\n%s", sums, again)
	}
	notes := "Since v1.2.2:\n\n- api: say why ("
	if text := read(t, filepath.Join(folder, "notes.md")); !strings.HasPrefix(text, notes) || !strings.Contains(text, "\n- booking: refuse slots in the past (") || strings.Contains(text, "begin") {
		t.Errorf("the notes are\n%s", text)
	}

	name := "docket_1.2.3_" + strings.ReplaceAll(here, "/", "_")
	binary := unpacked(t, filepath.Join(folder, name+".tar.gz"), name)
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if want, said := "docket "+version+" ("+commit+", "+info.GoVersion+")", must(t, folder, binary, "version"); said != want {
		t.Errorf("it says that it is %q, want %q", said, want)
	}
	if strings.Contains(read(t, binary), first) {
		t.Error("the binary tells where it was built")
	}
	if runtime.GOOS == "linux" && !static(t, binary) {
		t.Error("the binary needs a dynamic linker")
	}
	licenses := read(t, filepath.Join(filepath.Dir(binary), "LICENSES.txt"))
	for _, module := range info.Deps {
		if !strings.Contains(licenses, "\n=== "+module.Path+" "+module.Version+"\n") {
			t.Errorf("the licence of %s is missing", module.Path)
		}
	}
	var bill struct {
		Metadata struct {
			Timestamp string
			Component struct{ Name, Version string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(folder, name+".cdx.json"))), &bill); err != nil {
		t.Fatal(err)
	}
	if m := bill.Metadata; m.Component.Version != version || m.Timestamp != "2026-01-02T03:04:05Z" {
		t.Errorf("the bill is of %+v", m)
	}

	if out, status := run(t, folder, nil, "sha256sum", "--check", "--strict", "SHA256SUMS"); status != 0 || strings.Count(out, ": OK\n") != strings.Count(sums, "\n") {
		t.Errorf("%d\n%s", status, out)
	}
	for _, suffix := range []string{name + ".tar.gz", name + ".cdx.json", "docket_1.2.3_graphiql.cdx.json"} {
		path := filepath.Join(folder, suffix)
		right := []byte(read(t, path))
		wrong := slices.Clone(right)
		wrong[len(wrong)/2] ^= 1
		write(t, path, string(wrong))
		out, status := run(t, folder, nil, "sha256sum", "--check", "--strict", "SHA256SUMS")
		refused(t, out, status, suffix+": FAILED")
		write(t, path, string(right))
	}
}

// TestNotes tells what is new in a candidate, and in the first version.
func TestNotes(t *testing.T) {
	t.Parallel()
	need(t, "npm")
	for tag, want := range map[string]string{"v1.2.2": "The first version.\n", "v1.2.3-rc.1": "Since v1.2.2:\n\n- booking: refuse slots in the past ("} {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			dir := tagged(t)
			must(t, dir, "git", "checkout", "--quiet", tag)
			must(t, dir, ".ci/release", tag, "bin/release", runtime.GOOS+"/"+runtime.GOARCH)
			if notes := read(t, filepath.Join(dir, "bin/release/notes.md")); !strings.HasPrefix(notes, want) || strings.Count(notes, "- ") > 1 {
				t.Errorf("the notes are\n%s", notes)
			}
		})
	}
}

// unpacked unpacks an archive and returns where its binary is.
func unpacked(t *testing.T, archive, name string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, dir, "tar", "-xzpf", archive)
	for file, mode := range map[string]os.FileMode{"docket": 0o755, "LICENSE": 0o644, "LICENSES.txt": 0o644, "README.md": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name, file))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("the mode of %s is %v, want %v", file, info.Mode(), mode)
		}
	}
	if all, _ := filepath.Glob(filepath.Join(dir, name, "*")); len(all) != 4 {
		t.Errorf("the archive has %v", all)
	}
	return filepath.Join(dir, name, "docket")
}

// static tells whether a program runs where nothing but a kernel is.
func static(t *testing.T, path string) bool {
	t.Helper()
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return !slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC })
}

func TestStatic(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "linux" && static(t, "/bin/sh") {
		t.Error("a program that is linked to libc passes for static")
	}
}

// TestReleaseRefused asks for releases of what no commit has, or another has.
func TestReleaseRefused(t *testing.T) {
	t.Parallel()
	need(t, "npm")
	for name, test := range map[string]struct {
		version string
		prepare func(dir string)
		says    string
	}{
		"no version":        {"", nil, "a version is as v1.2.3"},
		"not a version":     {"1.2.3", nil, "a version is as v1.2.3"},
		"a leading zero":    {"v1.02.3", nil, "a version is as v1.2.3"},
		"no tag":            {"v1.2.4", nil, "this commit has no tag v1.2.4"},
		"a tag elsewhere":   {"v1.2.2", nil, "this commit has no tag v1.2.2"},
		"a higher tag":      {version, func(dir string) { must(t, dir, "git", "tag", "v1.3.0") }, "stamps v1.3.0 into the binary, not v1.2.3"},
		"changed":           {version, func(dir string) { write(t, filepath.Join(dir, "go.mod"), "module docket\n") }, "commit first"},
		"not committed":     {version, func(dir string) { write(t, filepath.Join(dir, "gql/new.go"), "package gql\n") }, "commit first"},
		"a release already": {version, func(dir string) { write(t, filepath.Join(dir, "bin/release/docket_1.2.2"), "") }, "is not empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tagged(t)
			if test.prepare != nil {
				test.prepare(dir)
			}
			out, status := run(t, dir, nil, ".ci/release", test.version, "bin/release", runtime.GOOS+"/"+runtime.GOARCH)
			refused(t, out, status, test.says)
			if sums, _ := filepath.Glob(filepath.Join(dir, "bin/release/SHA256SUMS")); sums != nil {
				t.Error("it is released nevertheless")
			}
		})
	}
}
