package config

import (
	"errors"
	"fmt"
	"os"

	"docket/internal/documents"
)

// Documents are the settings of which operations are answered.
type Documents struct {
	Introspection        string `help:"Whether the schema is told, when asked and by suggestions in errors: ${enum}; auto is everywhere but in production." enum:"auto,on,off" default:"auto"`
	PersistedQueries     bool   `help:"Find documents by their hash that were sent before." default:"true" negatable:""`
	TrustedDocuments     string `help:"A manifest of trusted documents, as relay-compiler or Apollo's generator writes it." placeholder:"FILE"`
	TrustedDocumentsOnly bool   `help:"Answer no document that is not trusted."`

	DocumentTokens     int `help:"How many tokens a document can have." default:"6000"`
	DocumentDepth      int `help:"How deep a document can nest fields." default:"40"`
	DocumentAliases    int `help:"How many aliases a document can have." default:"200"`
	DocumentRootFields int `help:"How many fields of Query an operation can ask for." default:"100"`
	DocumentMutations  int `help:"How many mutations an operation can have." default:"20"`
	DocumentDirectives int `help:"How many directives a document can have." default:"100"`
	DocumentFragments  int `help:"How many fragments a document can have." default:"200"`
	DocumentSelections int `help:"How many fields and fragments a document can select, those of a fragment wherever it is spread." default:"5000"`
	DocumentRepeats    int `help:"How often a document can ask for one field at one place of the answer." default:"100"`
}

func (d Documents) limits() documents.Limits {
	return documents.Limits{
		Tokens: d.DocumentTokens, Depth: d.DocumentDepth, Aliases: d.DocumentAliases, RootFields: d.DocumentRootFields,
		Mutations: d.DocumentMutations, Directives: d.DocumentDirectives, Fragments: d.DocumentFragments, Selections: d.DocumentSelections, Repeats: d.DocumentRepeats,
	}
}

// Introspects reports whether the schema is told in an environment.
func (d Documents) Introspects(e Environment) bool {
	return d.Introspection == "on" || d.Introspection == "auto" && e != Production
}

// Load reads the manifest, if one is named.
func (d Documents) Load() (documents.Config, error) {
	c := documents.Config{Limits: d.limits(), Persist: d.PersistedQueries, TrustedOnly: d.TrustedDocumentsOnly}
	if d.TrustedDocuments == "" {
		return c, nil
	}
	file, err := os.Open(d.TrustedDocuments)
	if err != nil {
		return c, fmt.Errorf("trusted-documents: %w", err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	if c.Trusted, err = documents.Read(file); err != nil {
		return c, fmt.Errorf("trusted-documents: %s: %w", d.TrustedDocuments, err)
	}
	return c, nil
}

func (d Documents) validate() error {
	if d.TrustedDocumentsOnly && d.TrustedDocuments == "" {
		return errors.New("trusted-documents-only: needs trusted-documents, the manifest of those that are")
	}
	return nil
}
