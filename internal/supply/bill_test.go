package supply_test

import (
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestBill compares the bills of materials with what the Go command and the
// bundler wrote into what they built.
func TestBill(t *testing.T) {
	t.Parallel()
	need(t, "npm")
	dir := t.TempDir()
	binary := filepath.Join(dir, "docket")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/docket").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, status := script(t, nil, "sbom", dir, binary); status != 0 {
		t.Fatalf("%d %s", status, out)
	}

	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	listed := bill(t, filepath.Join(dir, "docket.cdx.json"))
	for _, module := range info.Deps {
		if listed["pkg:golang/"+module.Path+"@"+module.Version] == "" {
			t.Errorf("the bill lacks %s %s", module.Path, module.Version)
		}
	}
	if listed["pkg:golang/std@"+info.GoVersion] == "" {
		t.Errorf("the bill lacks the standard library of %s", info.GoVersion)
	}
	if len(info.Deps) < 20 {
		t.Errorf("the binary has only %d modules", len(info.Deps))
	}

	listed = bill(t, filepath.Join(dir, "graphiql.cdx.json"))
	bundled := regexp.MustCompile(`(?m)^## (.+) - (\S+) \(`).FindAllStringSubmatch(licenses(t), -1)
	for _, p := range bundled {
		if listed[p[1]+" "+p[2]] == "" {
			t.Errorf("the bill lacks %s %s", p[1], p[2])
		}
	}
	if len(bundled) < 20 {
		t.Errorf("only %d packages are bundled", len(bundled))
	}
}

// bill is what a bill of materials lists: each by its name and version, and by
// its package URL without qualifiers.
func bill(t *testing.T, path string) map[string]string {
	t.Helper()
	var bom struct {
		BOMFormat  string
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal([]byte(read(t, path)), &bom); err != nil {
		t.Fatal(err)
	}
	if bom.BOMFormat != "CycloneDX" {
		t.Errorf("%s is in the format %q", path, bom.BOMFormat)
	}
	listed := map[string]string{}
	for _, c := range bom.Components {
		url := regexp.MustCompile(`\?.*`).ReplaceAllString(c.PURL, "")
		listed[url], listed[c.Name+" "+c.Version] = c.Name, c.Name
	}
	return listed
}

// licenses is the bundler's list of what it has bundled.
func licenses(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../graphiql/dist/licenses.md.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
