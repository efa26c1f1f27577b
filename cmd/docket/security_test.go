package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Every threat in docs/security.md names a test that is there.
func TestThreatsAreTested(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| [^|]+ \| [^|]+ \| ([^|]+) \|$`).FindAllSubmatch(text, -1)
	named := regexp.MustCompile("`([^`:]+_test\\.go):((?:Test|Fuzz)\\w+)`")
	threats := 0
	for _, row := range rows {
		tests := named.FindAllSubmatch(row[1], -1)
		if string(row[1]) == "test" {
			continue
		}
		if threats++; len(tests) == 0 {
			t.Errorf("no test is named in %s", row[0])
		}
		for _, test := range tests {
			source, err := os.ReadFile(filepath.Join("../..", string(test[1])))
			if err != nil || !bytes.Contains(source, []byte("\nfunc "+string(test[2])+"(")) {
				t.Errorf("there is no %s in %s", test[2], test[1])
			}
		}
	}
	if threats < 45 {
		t.Errorf("only %d threats found", threats)
	}
}
