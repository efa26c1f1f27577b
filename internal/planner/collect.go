package planner

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// collected is one entry of an answer: all selections of one response name.
type collected struct {
	*ast.Field
	selections ast.SelectionSet
}

// collect gathers the fields that the selections ask of the type, in the order
// of the answer (GraphQL specification, 6.3.2 CollectFields).
func (c *compiler) collect(typ *ast.Definition, selections ast.SelectionSet) []*collected {
	var fields []*collected
	at := map[string]*collected{}
	visited := map[string]bool{}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				if !c.included(s.Directives) {
					continue
				}
				f := at[s.Alias]
				if f == nil {
					f = &collected{Field: s}
					at[s.Alias] = f
					fields = append(fields, f)
				}
				f.selections = append(f.selections, s.SelectionSet...)
			case *ast.InlineFragment:
				if c.included(s.Directives) && c.applies(s.TypeCondition, typ) {
					walk(s.SelectionSet)
				}
			case *ast.FragmentSpread:
				if c.included(s.Directives) && !visited[s.Name] && c.applies(s.Definition.TypeCondition, typ) {
					visited[s.Name] = true
					walk(s.Definition.SelectionSet)
				}
			}
		}
	}
	walk(selections)
	return fields
}

// included holds @skip and @include against the variables of the request.
func (c *compiler) included(directives ast.DirectiveList) bool {
	holds := func(d *ast.Directive) bool {
		v, err := d.Arguments.ForName("if").Value.Value(c.vars)
		return err == nil && v == true
	}
	skip, include := directives.ForName("skip"), directives.ForName("include")
	return (skip == nil || !holds(skip)) && (include == nil || holds(include))
}

// applies reports whether an object of the type meets a type condition.
func (c *compiler) applies(condition string, typ *ast.Definition) bool {
	return condition == "" || condition == typ.Name || slices.Contains(typ.Interfaces, condition)
}

// conditions are the variables that @skip and @include of an operation depend
// on: with them, a document has one plan for each combination of their values.
func conditions(op *ast.OperationDefinition) []string {
	var names []string
	seen := map[*ast.FragmentDefinition]bool{}
	of := func(directives ast.DirectiveList) {
		for _, d := range directives {
			if v := d.Arguments.ForName("if"); v != nil && v.Value.Kind == ast.Variable && !slices.Contains(names, v.Value.Raw) {
				names = append(names, v.Value.Raw)
			}
		}
	}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				of(s.Directives)
				walk(s.SelectionSet)
			case *ast.InlineFragment:
				of(s.Directives)
				walk(s.SelectionSet)
			case *ast.FragmentSpread:
				of(s.Directives)
				if !seen[s.Definition] {
					seen[s.Definition] = true
					walk(s.Definition.SelectionSet)
				}
			}
		}
	}
	walk(op.SelectionSet)
	return names
}
