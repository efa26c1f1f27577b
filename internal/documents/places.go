package documents

import "github.com/vektah/gqlparser/v2/ast"

// places walks a document as its answer will be: all selections of one response
// name at one place are one field of it. Validation compares each two of them,
// which is what makes a short document take long.
type places struct {
	fragments  map[string]*fragment
	spread     map[string]bool // those that were
	most       int             // selections
	selections int             // those of a fragment wherever it is spread
	repeats    int             // of one field at one place, at most
}

// all takes each operation by itself, and the fragments that are spread nowhere
// with the others: they are validated, too.
func (p *places) all(doc *ast.QueryDocument) {
	for _, op := range doc.Operations {
		p.walk([]ast.SelectionSet{op.SelectionSet})
	}
	for _, f := range doc.Fragments {
		if !p.spread[f.Name] {
			p.walk([]ast.SelectionSet{f.SelectionSet})
		}
	}
}

// walk takes the selections of one place. It stops where there are too many.
func (p *places) walk(sets []ast.SelectionSet) {
	spread, times, below := map[string]bool{}, map[string]int{}, map[string][]ast.SelectionSet{}
	var collect func(ast.SelectionSet)
	collect = func(set ast.SelectionSet) {
		for _, selection := range set {
			if p.selections++; p.selections > p.most {
				return
			}
			switch selection := selection.(type) {
			case *ast.Field:
				name := selection.Alias
				if times[name]++; len(selection.SelectionSet) > 0 {
					below[name] = append(below[name], selection.SelectionSet)
				}
				p.repeats = max(p.repeats, times[name])
			case *ast.InlineFragment:
				collect(selection.SelectionSet)
			case *ast.FragmentSpread:
				if f := p.fragments[selection.Name]; f != nil && !spread[selection.Name] {
					spread[selection.Name], p.spread[selection.Name] = true, true
					collect(f.definition.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		collect(set)
	}
	for _, sets := range below {
		p.walk(sets)
	}
}
