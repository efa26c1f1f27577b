package deploy_test

import (
	"context"
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

var findSDK = sync.OnceValues(func() (string, error) {
	where, err := exec.CommandContext(context.Background(), "gcloud", "info", "--format=value[separator=' '](installation.sdk_root,basic.python_location)").Output()
	return strings.TrimSpace(string(where)), err
})

// gcloudSDK is where gcloud's library is, and the Python that it runs with.
func gcloudSDK(t *testing.T) (root, python string) {
	t.Helper()
	where, err := findSDK()
	programtest.Need(t, "gcloud", err)
	root, python, _ = strings.Cut(where, " ")
	return root, python
}

// TestEnums looks the words that are choices of an API up in what gcloud knows of
// that API. To Terraform's schemas they are any text.
func TestEnums(t *testing.T) {
	t.Parallel()
	root, _ := gcloudSDK(t)
	apis := map[string]string{} // what each API has
	api := func(kind string) string {
		for prefix, name := range map[string]string{
			"google_artifact_registry": "artifactregistry", "google_cloud_run": "run", "google_cloudbuild": "cloudbuild",
			"google_compute": "compute", "google_logging": "logging", "google_monitoring": "monitoring",
			"google_redis": "redis", "google_sql": "sqladmin",
		} {
			if strings.HasPrefix(kind, prefix) {
				return name
			}
		}
		return ""
	}
	knows := func(name, word string) bool {
		if apis[name] == "" {
			files, _ := filepath.Glob(filepath.Join(root, "lib/googlecloudsdk/generated_clients/apis", name, "*", "*_messages.py"))
			var all strings.Builder
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				all.Write(text)
			}
			apis[name] = all.String()
		}
		return strings.Contains(apis[name], "\n    "+word+" = ")
	}
	texts := []string{"REDIS_7_2", "ABANDON"} // is any text to the API; is Terraform's own
	unknown := func(all resources) (wrong []string, looked int) {
		for _, r := range all {
			for _, word := range capitals(r.Config) {
				if name := api(r.Type); name != "" && !slices.Contains(texts, word) {
					if looked++; !knows(name, word) {
						wrong = append(wrong, r.Type+": "+word)
					}
				}
			}
		}
		return wrong, looked
	}
	delivery, err := planFolder(t, "delivery", "delivery")
	if err != nil {
		t.Fatal(err)
	}
	all := append(plannedEnvironment(t, "production"), delivery...)
	if wrong, looked := unknown(all); len(wrong) > 0 || looked < 50 {
		t.Errorf("of %d words, these are not known: %q", looked, wrong)
	}
	worse, err := planFolder(t, "environment", "production", "database.tf", `"ENCRYPTED_ONLY"`, `"ENCRYPTED"`, "armor.tf", "STANDARD_WITH_GRAPHQL", "GRAPHQL")
	if err != nil {
		t.Fatal(err)
	}
	wrong, _ := unknown(worse)
	slices.Sort(wrong)
	if !slices.Equal(wrong, []string{"google_compute_security_policy: GRAPHQL", "google_sql_database_instance: ENCRYPTED"}) {
		t.Errorf("of two planted mistakes are seen: %q", wrong)
	}
}

var choice = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)

// capitals are the words in a value that are written like choices of an API.
func capitals(value any) (words []string) {
	switch value := value.(type) {
	case string:
		if choice.MatchString(value) && !strings.HasPrefix(value, "DOCKET_") {
			words = append(words, value)
		}
	case []any:
		for _, each := range value {
			words = append(words, capitals(each)...)
		}
	case map[string]any:
		for _, each := range value {
			words = append(words, capitals(each)...)
		}
	}
	return words
}
