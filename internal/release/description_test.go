package release_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const repository = "/repos/{owner}/{repo}"

// description is the part of GitHub's description of its REST API that .ci/openapi
// has cut out: an OpenAPI document, whose schemas are read as JSON Schema.
type description struct {
	paths    map[string]map[string]any
	compiler *jsonschema.Compiler
}

// describe reads the description, and makes it stricter than GitHub is, which
// ignores what it does not know: a name that is misspelt would do nothing.
func describe(t *testing.T) description {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(read(t, "testdata/github.json")))
	if err != nil {
		t.Fatal(err)
	}
	restrict(document)
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft4) // which OpenAPI 3.0 is closest to
	if err := compiler.AddResource("github.json", document); err != nil {
		t.Fatal(err)
	}
	paths := map[string]map[string]any{}
	for path, methods := range document.(map[string]any)["paths"].(map[string]any) {
		paths[path] = methods.(map[string]any)
	}
	return description{paths, compiler}
}

func restrict(value any) {
	switch v := value.(type) {
	case []any:
		for _, each := range v {
			restrict(each)
		}
	case map[string]any:
		_, object := v["properties"].(map[string]any)
		if _, said := v["additionalProperties"]; object && !said {
			v["additionalProperties"] = false
		}
		for _, each := range v {
			restrict(each)
		}
	}
}

// operation is one request that may be made.
type operation struct {
	path, method string // as GitHub describes them
	compiler     *jsonschema.Compiler
}

// find finds what a request is described as.
func (d description) find(method, path string) (operation, bool) {
	for template, methods := range d.paths {
		pattern := "^" + regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$"
		if matched, _ := regexp.MatchString(pattern, path); matched {
			_, known := methods[strings.ToLower(method)]
			return operation{template, strings.ToLower(method), d.compiler}, known
		}
	}
	return operation{}, false
}

// check holds the body of a request against its schema.
func (o operation) check(body []byte) error {
	pointer := "/paths/" + strings.ReplaceAll(o.path, "/", "~1") + "/" + o.method + "/requestBody/content/application~1json/schema"
	schema, err := o.compiler.Compile("github.json" + (&url.URL{Fragment: pointer}).String())
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// TestDescription cuts GitHub's description out of its package again.
func TestDescription(t *testing.T) {
	t.Parallel()
	if !*long {
		t.Skip("it takes a package of 28 MB: -long")
	}
	file := filepath.Join(t.TempDir(), "github.json")
	if out, status := run(t, root, nil, ".ci/openapi", file); status != 0 {
		t.Fatalf("%d\n%s", status, out)
	}
	if read(t, file) != read(t, "testdata/github.json") {
		t.Error("what is committed is not what .ci/openapi writes")
	}
}

// TestRulesetFiles holds the rulesets against GitHub's description, and each
// again with a mistake in it.
func TestRulesetFiles(t *testing.T) {
	t.Parallel()
	api := describe(t)
	post, known := api.find("POST", "/repos/example/docket/rulesets")
	put, knownToo := api.find("PUT", "/repos/example/docket/rulesets/1")
	if !known || !knownToo {
		t.Fatal("GitHub knows no rulesets")
	}
	files, err := filepath.Glob(root + "/.github/rulesets/*.json")
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text := read(t, file)
		var ruleset struct{ Name, Enforcement string }
		for _, o := range []operation{post, put} {
			if err := o.check([]byte(text)); err != nil {
				t.Errorf("%s: %s: %v", file, o.method, err)
			}
		}
		if err := json.Unmarshal([]byte(text), &ruleset); err != nil {
			t.Fatal(err)
		}
		if ruleset.Name+".json" != filepath.Base(file) || ruleset.Enforcement != "active" {
			t.Errorf("%s has the name %q and is %q", file, ruleset.Name, ruleset.Enforcement)
		}
	}
	text := read(t, root+"/.github/rulesets/main.json")
	for name, test := range map[string][2]string{
		"a rule":               {`"non_fast_forward"`, `"no_force_push"`},
		"a parameter":          {`"require_last_push_approval"`, `"require_last_push_aproval"`},
		"a parameter too many": {`{"type": "deletion"}`, `{"type": "deletion", "parameters": {"strict": true}}`},
		"a parameter too few":  {`"dismiss_stale_reviews_on_push": true,`, ``},
		"a number":             {`"required_approving_review_count": 1`, `"required_approving_review_count": 11`},
		"a way to merge":       {`"rebase"`, `"fast-forward"`},
		"a target":             {`"branch"`, `"branches"`},
		"an enforcement":       {`"active"`, `"enabled"`},
		"no enforcement":       {`"enforcement": "active",`, ``},
		"a condition":          {`"ref_name"`, `"ref_names"`},
		"a check":              {`"context"`, `"contexts"`},
		"text for a number":    {`15368`, `"15368"`},
	} {
		if err := post.check([]byte(replaced(t, text, test[0], test[1]))); err == nil {
			t.Errorf("%s: %s passes", name, test[1])
		}
	}
}

// TestRequiredCheck holds the check that is asked for to the job that CI has: a
// name that no job has would keep every change out.
func TestRequiredCheck(t *testing.T) {
	t.Parallel()
	var ruleset struct {
		Rules []struct {
			Type       string
			Parameters struct {
				Checks []struct{ Context string } `json:"required_status_checks"`
			}
		}
	}
	if err := json.Unmarshal([]byte(read(t, root+"/.github/rulesets/main.json")), &ruleset); err != nil {
		t.Fatal(err)
	}
	required := 0
	for _, rule := range ruleset.Rules {
		for _, check := range rule.Parameters.Checks {
			required++
			if _, ok := parsed(t, "ci.yml").Jobs[check.Context]; !ok {
				t.Errorf("no job of ci.yml is called %q", check.Context)
			}
		}
	}
	if required == 0 {
		t.Error("no check is required")
	}
}
