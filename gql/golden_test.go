package gql_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden answers the documents of testdata/queries on frozen data and a
// frozen clock; each answer, on each database, is the file beside it.
func TestGolden(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("testdata/queries/*.graphql")
	if err != nil || len(documents) == 0 {
		t.Fatal("no documents", err)
	}
	each(t, func(t *testing.T, a *api) {
		a.populate(t)
		for _, path := range documents {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".graphql"), func(t *testing.T) {
				golden(t, a, path)
			})
		}
	})
}

func golden(t *testing.T, a *api, path string) {
	t.Helper()
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, a.post(t, string(document), nil), "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	pinned(t, strings.TrimSuffix(path, ".graphql")+".json", got.Bytes())
}

// pinned holds a text against the file that pins it.
func pinned(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update, read the difference, and commit it if it is meant\ngot\n%s\nwant\n%s", file, got, want)
	}
}
