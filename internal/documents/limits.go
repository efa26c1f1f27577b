package documents

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"

	"docket/internal/planner"
)

// Limits bound a document before it is validated, which takes time in the square
// of its fields and of its fragments. All but RootFields and Mutations count what
// is written, each once; what fragments make of it, the planner bounds.
type Limits struct {
	Tokens     int // names, values and signs
	Depth      int // of fields within fields, those of fragments included
	Aliases    int
	RootFields int // of a query, those of fragments included
	Mutations  int // root fields of a mutation
	Directives int
	Fragments  int // definitions
}

// DefaultLimits suit a page of any application.
func DefaultLimits() Limits {
	return Limits{Tokens: 6000, Depth: 40, Aliases: 200, RootFields: 100, Mutations: 20, Directives: 100, Fragments: 200}
}

// Validate reports the first limit that cannot work, by the name of its setting.
func (l Limits) Validate() error {
	for _, limit := range []struct {
		name        string
		value, most int
	}{
		{"document-tokens", l.Tokens, 100_000},
		{"document-depth", l.Depth, 200},
		{"document-aliases", l.Aliases, 10_000},
		{"document-root-fields", l.RootFields, 1000},
		{"document-mutations", l.Mutations, 1000},
		{"document-directives", l.Directives, 10_000},
		{"document-fragments", l.Fragments, 1000},
	} {
		if limit.value < 1 || limit.value > limit.most {
			return fmt.Errorf("%s: must be between 1 and %d", limit.name, limit.most)
		}
	}
	return nil
}

// check refuses a document that is beyond a limit. It takes time in proportion
// to the document, whatever its fragments do.
func (l Limits) check(doc *ast.QueryDocument) *gqlerror.Error {
	c := count{fragments: map[string]*fragment{}}
	for _, f := range doc.Fragments {
		c.fragments[f.Name] = &fragment{definition: f}
	}
	var whole, query, mutation size
	for _, op := range doc.Operations {
		c.directives += len(op.Directives)
		s := c.of(op.SelectionSet)
		if whole.depth = max(whole.depth, s.depth); op.Operation == ast.Mutation {
			mutation.fields = max(mutation.fields, s.fields)
		} else {
			query.fields = max(query.fields, s.fields)
		}
	}
	for _, f := range doc.Fragments { // also those that nothing spreads
		c.directives += len(f.Directives)
		whole.depth = max(whole.depth, c.spread(f.Name).depth)
	}
	for _, limit := range []struct {
		what     string
		is, most int
	}{
		{"has more than %d fragments", len(doc.Fragments), l.Fragments},
		{"nests fields more than %d deep", whole.depth, l.Depth},
		{"has more than %d aliases", c.aliases, l.Aliases},
		{"asks for more than %d fields of Query", query.fields, l.RootFields},
		{"has more than %d mutations", mutation.fields, l.Mutations},
		{"has more than %d directives", c.directives, l.Directives},
	} {
		if limit.is > limit.most {
			return tooComplex("The document "+limit.what+".", limit.most)
		}
	}
	return nil
}

// tooLong reports whether a text has more tokens than a document may have.
func (l Limits) tooLong(text string) bool {
	lex := lexer.New(&ast.Source{Input: text})
	for range l.Tokens {
		if token, err := lex.ReadToken(); err != nil || token.Kind == lexer.EOF {
			return false
		}
	}
	return true
}

func tooComplex(message string, most int) *gqlerror.Error {
	return refused(planner.TooComplex, map[string]any{"max": most}, message, most)
}

// size is how deep and wide a selection is.
type size struct{ depth, fields int }

const enough = 1 << 20 // more than any limit: fragments can make more fields than an int counts

// count walks selections, each as often as it is written.
type count struct {
	aliases, directives int
	fragments           map[string]*fragment
}

type fragment struct {
	definition *ast.FragmentDefinition
	seen       bool // also while it is being walked: a circle, which validation refuses, adds nothing
	size       size
}

func (c *count) of(set ast.SelectionSet) (s size) {
	for _, selection := range set {
		var inner size
		switch selection := selection.(type) {
		case *ast.Field:
			c.directives += len(selection.Directives)
			if selection.Alias != selection.Name {
				c.aliases++
			}
			inner = size{1 + c.of(selection.SelectionSet).depth, 1}
		case *ast.InlineFragment:
			c.directives += len(selection.Directives)
			inner = c.of(selection.SelectionSet)
		case *ast.FragmentSpread:
			c.directives += len(selection.Directives)
			inner = c.spread(selection.Name)
		}
		s.depth, s.fields = max(s.depth, inner.depth), min(s.fields+inner.fields, enough)
	}
	return s
}

func (c *count) spread(name string) size {
	f := c.fragments[name]
	if f == nil { // which validation tells
		return size{}
	}
	if !f.seen {
		f.seen = true
		f.size = c.of(f.definition.SelectionSet)
	}
	return f.size
}
