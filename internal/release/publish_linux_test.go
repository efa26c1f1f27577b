package release_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestRulesets applies the rulesets with gh to a GitHub that is not one.
func TestRulesets(t *testing.T) {
	t.Parallel()
	need(t, "gh")
	github, variables := newGitHub(t)
	github.rulesets = []map[string]any{{"id": 1, "name": "main copy"}, {"id": 2, "name": "tags"}}
	for _, want := range []string{"made main\nreplaced tags\n", "replaced main\nreplaced tags\n"} {
		if out, status := run(t, root, variables, ".ci/rulesets", "example/docket"); status != 0 || out != want {
			t.Fatalf("%d\n%s", status, out)
		}
		if len(github.rulesets) != 3 || len(github.rulesets[0]) != 2 {
			t.Errorf("there are %v", github.rulesets)
		}
	}
	for id, file := range map[int]string{3: "main", 2: "tags"} {
		var want map[string]any
		if err := json.Unmarshal([]byte(read(t, root+"/.github/rulesets/"+file+".json")), &want); err != nil {
			t.Fatal(err)
		}
		got := maps.Clone(github.rulesets[id-1])
		delete(got, "id")
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s has become %v", file, got)
		}
	}

	for _, name := range []string{"", "docket", "example/docket/rulesets", "--help"} {
		out, status := run(t, root, variables, ".ci/rulesets", name)
		refused(t, out, status, "which repository?")
	}
	wrong := copied(t, ".ci", ".github")
	file := filepath.Join(wrong, ".github/rulesets/main.json")
	write(t, file, replaced(t, read(t, file), `"deletion"`, `"deletions"`))
	out, status := run(t, wrong, variables, ".ci/rulesets", "example/docket")
	refused(t, out, status, "HTTP 422")
	github.away = true
	out, status = run(t, root, variables, ".ci/rulesets", "example/docket")
	refused(t, out, status, "HTTP 403")
}

// TestPublish runs what release.yml does with what was built, on files and a
// GitHub that are not.
func TestPublish(t *testing.T) {
	t.Parallel()
	need(t, "gh")
	for tag, candidate := range map[string]bool{"v1.2.3": false, "v1.2.3-rc.1": true} {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			github, variables := newGitHub(t)
			dir := t.TempDir()
			write(t, filepath.Join(dir, "notes.md"), "- api: say why\n")
			write(t, filepath.Join(dir, "docket_1.2.3_linux_amd64.tar.gz"), "archive")
			write(t, filepath.Join(dir, "SHA256SUMS"), must(t, dir, "sha256sum", "docket_1.2.3_linux_amd64.tar.gz")+"\n")
			publish := func() (string, int) {
				var script []string
				for _, step := range parsed(t, "release.yml").Jobs["publish"].Steps {
					script = append(script, step.Run)
				}
				// As the runner does. It replaces github.token, which gh has here anyway.
				return run(t, dir, append(variables, "GITHUB_REF_NAME="+tag, "GITHUB_REPOSITORY=example/docket"), "bash", "-e", "-c", strings.Join(script, "\n"))
			}
			if out, status := publish(); status != 0 {
				t.Fatalf("%d\n%s", status, out)
			}
			want := map[string]any{"tag_name": tag, "name": "docket " + tag, "body": "- api: say why\n", "draft": false, "prerelease": candidate}
			if !reflect.DeepEqual(github.release, want) {
				t.Errorf("published is %v, want %v", github.release, want)
			}
			assets := slices.Sorted(maps.Keys(github.assets))
			if !slices.Equal(assets, []string{"SHA256SUMS", "docket_1.2.3_linux_amd64.tar.gz"}) || github.assets[assets[1]] != "archive" {
				t.Errorf("uploaded are %v", github.assets)
			}

			github.release, github.untagged = nil, true
			out, status := publish()
			refused(t, out, status, "doesn't exist in the repo")
			github.untagged = false
			write(t, filepath.Join(dir, "docket_1.2.3_linux_amd64.tar.gz"), "another")
			out, status = publish()
			refused(t, out, status, "FAILED")
			if github.release != nil {
				t.Error("it is published nevertheless")
			}
		})
	}
}
