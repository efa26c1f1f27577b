package deploy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// cloudBuild is a file as gcloud reads it.
type cloudBuild struct {
	Steps         []buildStep
	Substitutions map[string]string
	Options       struct{ AutomapSubstitutions bool }
}

type buildStep struct {
	ID, Name, Script string
	Env, WaitFor     []string
}

func loadBuild(t *testing.T, content string) (b cloudBuild, err error) {
	t.Helper()
	sdk, python := gcloudSDK(t)
	file := filepath.Join(t.TempDir(), "cloudbuild.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	read(t, "check/cloudbuild.py") // so that go test sees when it changes
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), python, "check/cloudbuild.py", sdk, file)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return b, errors.New(stderr.String())
	}
	return b, json.Unmarshal(stdout.Bytes(), &b)
}

func TestCloudBuild(t *testing.T) {
	t.Parallel()
	delivery, err := planFolder(t, "delivery", "delivery")
	if err != nil {
		t.Fatal(err)
	}
	for file, gates := range map[string][]string{
		"cloudbuild.yaml": {"checks", "vulnerabilities", "image", "bill", "migrations", "staging", "smoke", "propose"},
		"production.yaml": {"image", "migrations", "candidate", "rollout"},
	} {
		build, err := loadBuild(t, read(t, "gcp/"+file))
		if err != nil {
			t.Fatal(err)
		}
		order(t, file, build, gates)
		trigger := delivery.one(t, "google_cloudbuild_trigger", "name", map[string]string{
			"cloudbuild.yaml": "docket-staging", "production.yaml": "docket-production",
		}[file])
		given, _ := trigger.at("substitutions").(map[string]any)
		substituted(t, file, build, given)
		for _, step := range build.Steps {
			if out, err := exec.CommandContext(t.Context(), "bash", "-n", "-c", step.Script).CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %s", file, step.ID, out)
			}
			if lines := strings.Count(step.Script, "\n"); lines > 1 && !strings.HasPrefix(step.Script, "set -eu\n") {
				t.Errorf("%s: %s: a line that fails is no gate", file, step.ID)
			}
		}
	}
	text := read(t, "gcp/cloudbuild.yaml")
	_, err = loadBuild(t, replaced(t, text, "    waitFor: [image]", "    waitsFor: [image]"))
	refused(t, err, "waitsFor")
	_, err = loadBuild(t, replaced(t, text, "timeout: 7200s", "timeout: [7200]"))
	refused(t, err, "timeout")
	_, err = loadBuild(t, replaced(t, text, "machineType: E2_HIGHCPU_8", "machineType: LARGE"))
	refused(t, err, "machineType")
}

// order fails unless each gate is passed before the next step begins.
func order(t *testing.T, file string, build cloudBuild, gates []string) {
	t.Helper()
	before := map[string][]string{} // what is done when a step begins
	var earlier []string
	for _, step := range build.Steps {
		done := slices.Clone(step.WaitFor)
		if len(done) == 0 {
			done = slices.Clone(earlier)
		}
		for _, id := range slices.Clone(done) {
			if id != "-" && !slices.Contains(earlier, id) {
				t.Errorf("%s: %s waits for %s, which is not there", file, step.ID, id)
			}
			done = append(done, before[id]...)
		}
		before[step.ID] = done
		earlier = append(earlier, step.ID)
	}
	last := gates[len(gates)-1]
	for i, gate := range gates[:len(gates)-1] {
		if !slices.Contains(before[last], gate) {
			t.Errorf("%s: %s does not wait for %s", file, last, gate)
		}
		for _, later := range gates[i+1:] {
			if slices.Contains(before[gate], later) {
				t.Errorf("%s: %s comes after %s", file, gate, later)
			}
		}
	}
}

// substituted fails where a build and its trigger know other words.
func substituted(t *testing.T, file string, build cloudBuild, given map[string]any) {
	t.Helper()
	if !build.Options.AutomapSubstitutions {
		t.Errorf("%s: scripts do not have what is substituted", file)
	}
	var all strings.Builder
	for _, step := range build.Steps {
		fmt.Fprintln(&all, step.Name, step.Script, step.Env)
	}
	text := all.String() + read(t, "gcp/"+file)
	used := regexp.MustCompile(`\$\{?(_[A-Z]+)`).FindAllStringSubmatch(text, -1)
	for _, word := range used {
		if _, ok := given[word[1]]; !ok && build.Substitutions[word[1]] == "" {
			t.Errorf("%s: the trigger does not say what %s is", file, word[1])
		}
	}
	for word := range given {
		if !strings.Contains(text, "$"+word) && !strings.Contains(text, "${"+word) && word != "_COMMIT" { // is for who approves
			t.Errorf("%s: the trigger says what %s is, which nothing asks", file, word)
		}
	}
}

func TestToolsImage(t *testing.T) {
	t.Parallel()
	var stages []struct{ Name, Base string }
	text := read(t, "gcp/tools.Dockerfile")
	if err := check(t, "dockerfile", text, &stages); err != nil || len(stages) != 4 {
		t.Fatalf("%d stages, %v", len(stages), err)
	}
	refused(t, check(t, "dockerfile", replaced(t, text, "RUN ln", "RUNN ln"), &stages), "unknown instruction")
}

// TestToolsAreInstalled holds what the image has to what .ci/install would have to
// bring, each time: the list is its, and more in the image does no harm.
func TestToolsAreInstalled(t *testing.T) {
	t.Parallel()
	image := read(t, "gcp/tools.Dockerfile")
	lacks := func(install string) (missing []string) {
		list := regexp.MustCompile(`(?s)apt-get install [^&]*&&`).FindString(image)
		needed := regexp.MustCompile(`(?m)^need (\S+)`).FindAllStringSubmatch(install, -1)
		if len(needed) < 10 {
			t.Fatalf(".ci/install needs only %q", needed)
		}
		for _, need := range needed {
			if !slices.Contains(strings.Fields(list), need[1]) {
				missing = append(missing, need[1])
			}
		}
		return missing
	}
	install := read(t, "../.ci/install")
	if missing := lacks(install); missing != nil {
		t.Errorf("deploy/gcp/tools.Dockerfile lacks %s", missing)
	}
	if missing := lacks(install + "\nneed postgresql-contrib x\n"); !slices.Equal(missing, []string{"postgresql-contrib"}) {
		t.Errorf("a planted package is not missed: %s", missing)
	}
}

// TestDelivery says who may do what to production.
func TestDelivery(t *testing.T) {
	t.Parallel()
	delivery, err := planFolder(t, "delivery", "delivery")
	if err != nil {
		t.Fatal(err)
	}
	production := delivery.one(t, "google_cloudbuild_trigger", "name", "docket-production")
	if production.at("approval_config.0.approval_required") != true {
		t.Error("production needs nobody's approval")
	}
	if filter := fmt.Sprint(production.at("filter")); !strings.Contains(filter, "europe-west1-docker.pkg.dev/CHANGE-ME-delivery/docket/docket@sha256:") {
		t.Errorf("production takes images of %s", filter)
	}
	for _, trigger := range delivery.of("google_cloudbuild_trigger") {
		name := strings.TrimPrefix(fmt.Sprint(trigger.at("name")), "docket-")
		if want := "<google_service_account docket-" + name + "-deployer id>"; trigger.at("service_account") != want {
			t.Errorf("%s runs as %v", name, trigger.at("service_account"))
		}
	}
	roles := map[string][]string{}
	for _, grant := range delivery {
		if member := fmt.Sprint(grant.at("member")); strings.HasSuffix(grant.Type, "_iam_member") {
			roles[member] = append(roles[member], fmt.Sprint(grant.at("role")))
		}
	}
	want := map[string][]string{
		"<google_service_account docket-staging-deployer member>": {
			"roles/artifactregistry.reader", "roles/artifactregistry.writer", "roles/artifactregistry.writer",
			"roles/logging.logWriter", "roles/pubsub.publisher", "roles/storage.objectCreator",
		},
		"<google_service_account docket-production-deployer member>": {"roles/artifactregistry.reader", "roles/logging.logWriter"},
		"serviceAccount:service-CHANGE-ME@serverless-robot-prod.iam.gserviceaccount.com": {
			"roles/artifactregistry.reader", "roles/artifactregistry.reader",
		},
	}
	for member, has := range roles {
		if slices.Sort(has); !slices.Equal(has, want[member]) {
			t.Errorf("%s may do %s, not %s", member, has, want[member])
		}
	}
	if len(roles) != len(want) {
		t.Errorf("%d may do something", len(roles))
	}
	if repository := delivery.one(t, "google_artifact_registry_repository", "repository_id", "go"); repository.at("format") != "GO" {
		t.Error("there is no registry for modules of one's own")
	}
}
