// Package selection reads what a consumer selected, whatever aliases it used
// and however often it selected the same thing. The generated ORM asks it what
// to load ahead.
package selection

import (
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Child is what is selected under field at the path of names, as one field, or
// nil where nothing is. Where the same alias means different things in
// different places there is no such one field: what is below is then resolved
// row by row, slower and right.
func Child(oc *graphql.OperationContext, field graphql.CollectedField, names ...string) *graphql.CollectedField {
	for _, name := range names {
		merged := Merge(oc, named(oc, field, name), name)
		if len(merged) != 1 {
			return nil
		}
		field = merged[0]
	}
	return &field
}

// Has reports whether name is selected under field, once or more often.
func Has(oc *graphql.OperationContext, field graphql.CollectedField, name string) bool {
	return len(named(oc, field, name)) > 0
}

func named(oc *graphql.OperationContext, field graphql.CollectedField, name string) (found []graphql.CollectedField) {
	for _, f := range graphql.CollectFields(oc, field.Selections, nil) {
		if f.Name == name {
			found = append(found, f)
		}
	}
	return found
}

// Merge makes one field of all that have the same name, for the names given;
// names that cannot be merged are left out, and with that not loaded ahead.
func Merge(oc *graphql.OperationContext, fields []graphql.CollectedField, names ...string) []graphql.CollectedField {
	once := make(map[string]int, len(names))
	for _, name := range names {
		once[name] = -1
	}
	var merged []graphql.CollectedField
	for _, f := range fields {
		at, single := once[f.Name]
		if !single || at < 0 {
			if single {
				once[f.Name] = len(merged)
			}
			merged = append(merged, f)
			continue
		}
		all := make(ast.SelectionSet, 0, len(merged[at].Selections)+len(f.Selections))
		merged[at].Selections = append(append(all, merged[at].Selections...), f.Selections...)
	}
	kept := merged[:0]
	for _, f := range merged {
		if _, single := once[f.Name]; !single || !contradicts(oc, f.Selections) {
			kept = append(kept, f)
		}
	}
	return kept
}

// contradicts reports whether one alias means two things in the selections,
// at any depth. In a valid document that happens only by merging.
func contradicts(oc *graphql.OperationContext, selections ast.SelectionSet) bool {
	below := map[string]ast.SelectionSet{}
	first := map[string]*ast.Field{}
	var walk func(ast.SelectionSet) bool
	walk = func(set ast.SelectionSet) bool {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				if f, seen := first[s.Alias]; seen && (f.Name != s.Name || !reflect.DeepEqual(f.ArgumentMap(oc.Variables), s.ArgumentMap(oc.Variables))) {
					return true
				}
				first[s.Alias] = s
				below[s.Alias] = append(below[s.Alias][:len(below[s.Alias]):len(below[s.Alias])], s.SelectionSet...)
			case *ast.InlineFragment:
				if walk(s.SelectionSet) {
					return true
				}
			case *ast.FragmentSpread:
				if walk(s.Definition.SelectionSet) {
					return true
				}
			}
		}
		return false
	}
	if walk(selections) {
		return true
	}
	for _, set := range below {
		if contradicts(oc, set) {
			return true
		}
	}
	return false
}
