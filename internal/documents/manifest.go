package documents

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// Operation is a trusted document.
type Operation struct {
	ID   string `json:"id"`
	Name string `json:"name"` // may be empty
	Text string `json:"body"`
}

// String names the operation in errors.
func (o Operation) String() string {
	if o.Name == "" {
		return fmt.Sprintf("with id %q", o.ID)
	}
	return fmt.Sprintf("%s with id %q", o.Name, o.ID)
}

// named has the name that the text tells, where the manifest does not.
func (o Operation) named() Operation {
	doc, err := parser.ParseQuery(&ast.Source{Input: o.Text})
	if o.Name == "" && err == nil && len(doc.Operations) > 0 {
		o.Name = doc.Operations[0].Name
	}
	return o
}

const apollo = "apollo-persisted-query-manifest"

// Read reads a manifest of trusted documents: an object of texts by their ids,
// as relay-compiler's persistConfig writes it, or Apollo's persisted query
// manifest, version 1.
func Read(from io.Reader) ([]Operation, error) {
	text, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Format     string      `json:"format"`
		Version    int         `json:"version"`
		Operations []Operation `json:"operations"`
	}
	if err := json.Unmarshal(text, &manifest); err == nil && manifest.Format == apollo {
		if manifest.Version != 1 {
			return nil, fmt.Errorf("version %d of %s is not known", manifest.Version, apollo)
		}
		return complete(manifest.Operations)
	}
	texts := map[string]string{}
	if err := json.Unmarshal(text, &texts); err != nil {
		return nil, fmt.Errorf("neither texts by their ids nor %s: %w", apollo, err)
	}
	operations := []Operation{}
	for _, id := range slices.Sorted(maps.Keys(texts)) {
		operations = append(operations, Operation{ID: id, Text: texts[id]})
	}
	return complete(operations)
}

func complete(operations []Operation) ([]Operation, error) {
	if len(operations) == 0 {
		return nil, errors.New("there is no operation")
	}
	for _, o := range operations {
		if o.ID == "" || o.Text == "" {
			return nil, fmt.Errorf("operation %s: has no id or no text", o)
		}
	}
	return operations, nil
}
