package config_test

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"docket/internal/config"
	"docket/internal/documents"
)

// elsewhere are numbers that bound no request.
var elsewhere = []string{"drain", "slot-length", "advance-notice", "hold-length", "idempotency-keep", "limit", "oidc-leeway", "redirect-port", "hsts", "replica-lag"}

// docs/limits.md has every setting that bounds a request, with its default.
func TestLimitsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/limits.md")
	must(t, err)
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (\\S*) ?\\|").FindAllStringSubmatch(string(text), -1) {
		documented[row[1]] = row[2]
	}
	var c command
	parser, err := kong.New(&c, kong.Name("docket"))
	must(t, err)
	settings := map[string]string{}
	for _, node := range parser.Model.Children {
		for _, flag := range node.Flags {
			settings[flag.Name] = flag.Default
			number := flag.Target.Kind() == reflect.Int || flag.Target.Type() == reflect.TypeFor[time.Duration]()
			if _, told := documented[flag.Name]; number && node.Name == "serve" && !told && !slices.Contains(elsewhere, flag.Name) {
				t.Errorf("docs/limits.md does not have %s", flag.Name)
			}
		}
	}
	if len(documented) < 25 {
		t.Errorf("only %v found", slices.Sorted(maps.Keys(documented)))
	}
	for name, value := range documented {
		if want, ok := settings[name]; !ok || value != want && (value != "false" || want != "") {
			t.Errorf("docs/limits.md has %s with %q, and the setting is %q", name, value, want)
		}
	}
}

func TestValidateDocuments(t *testing.T) {
	t.Parallel()
	d := valid().Documents
	given := documents.Limits{
		Tokens: d.DocumentTokens, Depth: d.DocumentDepth, Aliases: d.DocumentAliases, RootFields: d.DocumentRootFields, Mutations: d.DocumentMutations,
		Directives: d.DocumentDirectives, Fragments: d.DocumentFragments, Selections: d.DocumentSelections, Repeats: d.DocumentRepeats,
	}
	if without := documents.DefaultLimits(); given != without {
		t.Errorf("the defaults are %+v, and %+v without settings", given, without)
	}
	for name, change := range map[string]func(*config.Server){
		"document-tokens":      func(s *config.Server) { s.DocumentTokens = 0 },
		"document-depth":       func(s *config.Server) { s.DocumentDepth = 201 },
		"document-aliases":     func(s *config.Server) { s.DocumentAliases = -1 },
		"document-root-fields": func(s *config.Server) { s.DocumentRootFields = 1001 },
		"document-mutations":   func(s *config.Server) { s.DocumentMutations = 0 },
		"document-directives":  func(s *config.Server) { s.DocumentDirectives = 0 },
		"document-selections":  func(s *config.Server) { s.DocumentSelections = 0 },
		"document-repeats":     func(s *config.Server) { s.DocumentRepeats = 0 },
		"document-fragments":   func(s *config.Server) { s.DocumentFragments = 1001 },
	} {
		s := valid()
		change(&s)
		if err := s.Validate(); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
