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
	"sync"
	"testing"

	"docket/internal/programtest"
)

// buildProviders makes a folder with the stand-ins of the providers, and says
// what Terraform has to be told to take them.
var buildProviders = sync.OnceValues(func() (config string, err error) {
	for _, name := range []string{"google", "random"} {
		err = errors.Join(err, goBuild("check", filepath.Join(programs, "terraform-provider-"+name), "./provider"))
	}
	config = filepath.Join(programs, "terraformrc")
	text := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"hashicorp/google\" = %q\n    \"hashicorp/random\" = %[1]q\n  }\n  direct {}\n}\n", programs)
	return config, errors.Join(err, os.WriteFile(config, []byte(text), 0o600))
})

// planned is a resource as Terraform would make it: its arguments, evaluated.
// What only the cloud knows is the words of where it comes from, as
// <google_sql_database_instance docket-production private_ip_address>.
type planned struct {
	Type   string
	Config map[string]any
}

// at is the value on the path, of keys and numbers with dots between.
func (p planned) at(path string) any {
	var value any = p.Config
	for key := range strings.SplitSeq(path, ".") {
		switch inner := value.(type) {
		case map[string]any:
			value = inner[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(inner) {
				return nil
			}
			value = inner[i]
		default:
			return nil
		}
	}
	return value
}

type resources []planned

func (r resources) of(kind string) (all resources) {
	return slices.DeleteFunc(slices.Clone(r), func(p planned) bool { return p.Type != kind })
}

// one is the resource of a kind whose argument has that value.
func (r resources) one(t *testing.T, kind, argument, value string) planned {
	t.Helper()
	for _, p := range r.of(kind) {
		if fmt.Sprint(p.at(argument)) == value {
			return p
		}
	}
	t.Fatalf("there is no %s with %s = %q", kind, argument, value)
	return planned{}
}

var someImage = "image=europe-west1-docker.pkg.dev/p/docket/docket@sha256:" + strings.Repeat("0", 64)

// planFolder has Terraform plan a folder of deploy/gcp with a file of variables, after
// the edits: a file, what is in it, and what is to be there instead.
func planFolder(t *testing.T, folder, variables string, edits ...string) (resources, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("gcp", folder))); err != nil {
		t.Fatal(err)
	}
	edit := func(file, old, as string) {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(replaced(t, read(t, path), old, as)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("versions.tf", `backend "gcs" {}`, "") // a bucket is the cloud's
	for three := range slices.Chunk(edits, 3) {
		edit(three[0], three[1], three[2])
	}
	args := []string{"plan", "-input=false", "-no-color", "-lock=false", "-var-file=" + variables + ".tfvars"}
	if folder == "environment" {
		args = append(args, "-var="+someImage)
	}
	out := filepath.Join(dir, "planned")
	if text, err := terraform(t, dir, out, args...); err != nil {
		return nil, errors.New(strings.Join(strings.Fields(text), " ")) // it breaks lines
	}
	var all resources
	for line := range strings.Lines(read(t, out)) {
		var p planned
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all, nil
}

func terraform(t *testing.T, dir, out string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("terraform")
	programtest.Need(t, "terraform", err)
	for _, file := range []string{"check/provider/main.go", "check/provider/schema.go", "check/provider/schema.json"} {
		read(t, file) // so that go test sees when it changes
	}
	config, err := buildProviders()
	programtest.Need(t, "deploy/check/provider", err)
	var text bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &text, &text
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+config, "DOCKET_PLANNED="+out, "CHECKPOINT_DISABLE=1")
	err = cmd.Run()
	return text.String(), err
}

// plannedEnvironment is what Terraform makes of one.
func plannedEnvironment(t *testing.T, name string) resources {
	t.Helper()
	all, err := planFolder(t, "environment", name)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTerraformPlans(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"staging", "production"} {
		if all := plannedEnvironment(t, name); len(all) < 50 {
			t.Errorf("%s has only %d resources", name, len(all))
		}
	}
	if all, err := planFolder(t, "delivery", "delivery"); err != nil || len(all) < 20 {
		t.Errorf("delivery has only %d resources (%v)", len(all), err)
	}
}

// TestTerraformSeesMistakes plants one of each kind.
func TestTerraformSeesMistakes(t *testing.T) {
	t.Parallel()
	const database = "database.tf"
	for name, tt := range map[string]struct{ file, old, as, says string }{
		"an argument's name":            {database, "availability_type           = var", "availability = var", `Unsupported argument`},
		"no required argument":          {database, "tier                        = var.database.tier", "", `The argument "tier" is required`},
		"a block's name":                {database, "backup_configuration {", "backups {", `Unsupported block type`},
		"a block in another":            {database, "maintenance_window {", "ip_configuration {\n maintenance_window {}\n }\n maintenance_window {", `Blocks of type "maintenance_window" are not expected here`},
		"a block twice":                 {database, "    maintenance_window {", "    ip_configuration {}\n    maintenance_window {", `No more than 1 "ip_configuration" blocks are allowed`},
		"no required block":             {"network.tf", "resource \"google_compute_network\" \"main\" {", "resource \"google_cloud_run_v2_job\" \"x\" {\n  name = \"x\"\n  location = \"x\"\n}\nresource \"google_compute_network\" \"main\" {", `At least 1 "template" blocks are required`},
		"a type":                        {database, "point_in_time_recovery_enabled = true", "point_in_time_recovery_enabled = \"yes\"", `a bool is required`},
		"a resource's kind":             {"network.tf", `"google_compute_network" "main"`, `"google_compute_networks" "main"`, `Invalid resource type`},
		"a reference to nothing":        {"network.tf", "google_compute_network.main.id\n  ip_cidr", "google_compute_network.mian.id\n  ip_cidr", `Reference to undeclared resource`},
		"an attribute that is not told": {"outputs.tf", "main.connection_name", "main.connection", `Unsupported attribute`},
		"a variable":                    {"service.tf", "var.oidc_issuer", "var.oidc_isuer", `undeclared input variable`},
		"a variable's value":            {"staging.tfvars", "oidc_audience", "oidc_audienc", `No value for required variable`},
		"an image by tag":               {"variables.tf", `@sha256:[0-9a-f]{64}$`, `@sha512:`, `An image is named by its digest`},
		"too few connections":           {"staging.tfvars", "max_connections  = 100", "max_connections  = 80", `is fewer than the 84`},
		"another environment":           {"staging.tfvars", `environment   = "staging"`, `environment   = "stage"`, `There are staging and production`},
		"a setting of nobody":           {"staging.tfvars", "waf_preview ", "settings = { DOKET_HOSTS = \"x\" }\nwaf_preview ", `docket reads DOCKET_… and OTEL_…`},
		"a listener that none reaches":  {"staging.tfvars", "waf_preview ", "settings = { DOCKET_ADMIN = \"x\" }\nwaf_preview ", `nobody reaches DOCKET_ADMIN`},
		"a password in the plan":        {"secrets.tf", "secret_data_wo         = ephemeral", "secret_data = ephemeral", `Invalid use of ephemeral value`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := planFolder(t, "environment", "staging", tt.file, tt.old, tt.as)
			refused(t, err, tt.says)
		})
	}
}

func TestTerraformFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("gcp")); err != nil {
		t.Fatal(err)
	}
	format := func() (string, error) { return terraform(t, dir, "", "fmt", "-check", "-recursive", "-list=true") }
	if out, err := format(); err != nil {
		t.Errorf("terraform fmt -recursive deploy/gcp: %s", out)
	}
	file := filepath.Join(dir, "environment", "network.tf")
	if err := os.WriteFile(file, []byte(replaced(t, read(t, file), "  prefix_length = 20", "  prefix_length=20")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := format(); err == nil || !strings.Contains(out, "network.tf") {
		t.Errorf("a planted mistake is not seen: %s", out)
	}
}

// TestTerraformVersions holds the schemas to the versions that are named.
func TestTerraformVersions(t *testing.T) {
	t.Parallel()
	var schema struct{ Versions map[string]string }
	if err := json.Unmarshal([]byte(read(t, "check/provider/schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, folder := range []string{"environment", "delivery"} {
		for _, found := range regexp.MustCompile(`source  = "hashicorp/(\w+)"\s+version = "(.*)"`).FindAllStringSubmatch(read(t, "gcp/"+folder+"/versions.tf"), -1) {
			if named++; schema.Versions[found[1]] != found[2] {
				t.Errorf("%s has version %s of %s, and the schema is that of %s", folder, found[2], found[1], schema.Versions[found[1]])
			}
		}
	}
	if named != 3 {
		t.Errorf("%d versions are named", named)
	}
}
