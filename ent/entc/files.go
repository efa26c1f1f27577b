package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"entgo.io/ent/entc/gen"
	"github.com/99designs/gqlgen/codegen/templates"
	"golang.org/x/tools/imports"
)

var (
	//go:embed entities.tmpl
	entities string
	//go:embed resolvers.tmpl
	resolvers string
	//go:embed types.tmpl
	types string
	//go:embed constraints.tmpl
	constraints string
	//go:embed overlap.tmpl
	overlaps string
)

// writeFiles writes what docket generates beside ent and gqlgen.
func writeFiles(g *gen.Graph) error {
	for path, text := range map[string]string{
		"../gql/ent.resolvers.go": resolvers,
		"../gql/entities.go":      entities,

		"../internal/scalar/types.go": types,

		"../internal/migration/constraints.go": constraints,
		"../internal/overlap/declared.go":      overlaps,
	} {
		t, err := template.New(filepath.Base(path)).Funcs(gen.Funcs).Funcs(template.FuncMap{
			"served": served, "gqlName": gqlName, "views": views, "single": single, "singleField": singleField,
			"viewField": viewField, "viewPredicate": viewPredicate, "camel": camel,
			"columns": columns, "camelName": camelName, "anyID": anyID, "kind": kind, "of": of, "shownEdges": shownEdges,
			"link": link, "orders": orders,
			"mutates": mutates, "inputs": inputs, "plural": plural, "lowerFirst": lowerFirst,
			"goName": templates.ToGo, "rangeOf": rangeOf, "exclusions": exclusions, "copies": copies,
		}).Parse(text)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		out.WriteString(header)
		if err := t.Execute(&out, g); err != nil {
			return err
		}
		src, err := imports.Process(path, out.Bytes(), nil)
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", path, err, out.String())
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, src, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// rangeOf is the number of the range of 1<<32 ids that the entity owns.
func rangeOf(n *gen.Type) int { return *n.EntSQL().IncrementStart >> 32 }
