package naive_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// header is what the comments at the top of a case say: the seed of its data and
// the variables of its document.
var header = regexp.MustCompile(`(?m)^# seed (\d+)\n# variables (.*)$`)

// TestCases replays what random operations once found: every document of
// testdata/cases, on the data it was found with or any that shows the same.
func TestCases(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/cases/*.graphql")
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases", err)
	}
	worlds := map[uint64]*world{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := header.FindStringSubmatch(string(text))
		if m == nil {
			t.Fatalf("%s does not begin with a seed and variables", path)
		}
		q := request{Query: string(text)}
		if err := json.Unmarshal([]byte(m[2]), &q.Variables); err != nil {
			t.Fatal(path, err)
		}
		seed, err := strconv.ParseUint(m[1], 10, 64)
		if err != nil {
			t.Fatal(path, err)
		}
		if worlds[seed] == nil {
			worlds[seed] = prepare(t, seed)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".graphql"), func(t *testing.T) {
			if err := worlds[seed].compare(q); err != nil {
				t.Error(err)
			}
		})
	}
}
