package release_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const workflows = root + "/.github/workflows/"

type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Needs       string
		Uses        string
		Permissions map[string]string
		Steps       []struct {
			Uses, Run string
			With      map[string]any
			Env       map[string]string
		}
	}
}

func parsed(t *testing.T, file string) workflow {
	t.Helper()
	var w workflow
	if err := yaml.Unmarshal([]byte(read(t, workflows+file)), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWorkflows plants mistakes in copies of the workflows.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	if out, status := run(t, root, nil, ".ci/workflows"); status != 0 {
		t.Fatalf("%d\n%s", status, out)
	}
	checkout := "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
	for name, test := range map[string]struct{ file, old, replacement, says string }{
		"a key":                 {"ci.yml", "timeout-minutes", "timeout-minute", `unexpected key "timeout-minute"`},
		"a runner":              {"ci.yml", "ubuntu-24.04", "ubuntu-24.4", `label "ubuntu-24.4" is unknown`},
		"an expression":         {"ci.yml", "github.event_name", "github.event_nam", `property "event_nam" is not defined`},
		"a job that is not":     {"release.yml", "needs: build", "needs: built", `needs job "built" which does not exist`},
		"a permission":          {"release.yml", "attestations: write", "attestation: write", `unknown permission scope "attestation"`},
		"a workflow":            {"release.yml", "./.github/workflows/ci.yml", "./.github/workflows/c.yml", "could not read reusable workflow file"},
		"an event":              {"ci.yml", "workflow_call:", "workflow_calls:", `unknown Webhook event "workflow_calls"`},
		"strangers with rights": {"ci.yml", "pull_request:", "pull_request_target:", "give strangers no rights"},
		"a tag":                 {"ci.yml", checkout, "actions/checkout@v7", "name an action by its commit"},
		"a short commit":        {"ci.yml", checkout, "actions/checkout@3d3c42e # v7.0.1", "name an action by its commit"},
		"no version":            {"ci.yml", " # v7.0.1", "", "name an action by its commit"},
		"quoted":                {"ci.yml", "uses: " + checkout, `"uses": "actions/checkout@v7"`, "name an action by its commit"},
		"all rights":            {"release.yml", "permissions: {}", "permissions: write-all", "begin with few permissions or none"},
		"rights as they are":    {"release.yml", "permissions: {}\n", "", "begin with few permissions or none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := copied(t, ".ci", ".github")
			path := filepath.Join(dir, ".github/workflows", test.file)
			write(t, path, replaced(t, read(t, path), test.old, test.replacement))
			out, status := run(t, dir, nil, ".ci/workflows")
			refused(t, out, status, test.says)
		})
	}
}

// TestSameCommands holds CI to what developers run.
func TestSameCommands(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file, job string
		want      []string
	}{
		{"ci.yml", "ci", []string{".ci/run"}},
		{"release.yml", "build", []string{".ci/vulnerabilities", `.ci/release "$GITHUB_REF_NAME"`}},
	} {
		var runs []string
		for _, step := range parsed(t, test.file).Jobs[test.job].Steps {
			if step.Run != "" {
				runs = append(runs, step.Run)
			}
		}
		if !slices.Equal(runs, test.want) {
			t.Errorf("%s of %s runs %q, want %q", test.job, test.file, runs, test.want)
		}
	}
	if gate := parsed(t, "release.yml").Jobs["ci"].Uses; gate != "./.github/workflows/ci.yml" {
		t.Errorf("a release is not held to CI, but to %q", gate)
	}
}

// TestRights looks for a job that may write, and has what somebody else has
// written, or a token that lies about.
func TestRights(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"ci.yml", "release.yml"} {
		for name, job := range parsed(t, file).Jobs {
			writes := false
			for _, right := range job.Permissions {
				writes = writes || right == "write"
			}
			for _, step := range job.Steps {
				checkout := strings.HasPrefix(step.Uses, "actions/checkout@")
				if checkout && step.With["persist-credentials"] != false {
					t.Errorf("%s of %s leaves its token in the clone", name, file)
				}
				if writes && (checkout || strings.Contains(step.Run, ".ci/")) {
					t.Errorf("%s of %s may write, and runs what is in the repository", name, file)
				}
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s of %s runs text that others choose: give it as a variable", name, file)
				}
			}
		}
	}
}
