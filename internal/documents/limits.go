package documents

import (
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"

	"docket/internal/planner"
)

// Limits bound a document before it is validated, which takes time in the square
// of its fields and of its fragments. They count what
// is written, each once, unless they say otherwise.
type Limits struct {
	Tokens     int // names, values and signs
	Depth      int // of fields within fields, those of fragments included
	Aliases    int
	RootFields int // of a query, those of fragments included
	Mutations  int // root fields of a mutation
	Directives int
	Fragments  int // definitions
	Selections int // fields and spreads, those of a fragment wherever it is spread
	Repeats    int // of one field at one place of the answer
}

// DefaultLimits suit a page of any application.
func DefaultLimits() Limits {
	return Limits{Tokens: 6000, Depth: 40, Aliases: 200, RootFields: 100, Mutations: 20, Directives: 100, Fragments: 200, Selections: 5000, Repeats: 100}
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
	if c.circle != "" { // nothing that is walked would end
		return refused(errcode.ValidationFailed, nil, "Cannot spread fragment %q within itself.", c.circle)
	}
	p := places{fragments: c.fragments, spread: map[string]bool{}, most: l.Selections}
	if whole.depth <= l.Depth {
		p.all(doc)
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
		{"has more than %d selections, those of a fragment wherever it is spread", p.selections, l.Selections},
		{"asks more than %d times for a field at one place of the answer", p.repeats, l.Repeats},
	} {
		if limit.is > limit.most {
			return tooComplex("The document "+limit.what+".", limit.most)
		}
	}
	return nil
}

// mostName is how long a name can be, in bytes; suggesting another for one takes
// time and memory in the square of it.
const mostName = 255

// scan refuses a text before it is parsed, and tells how long its longest token
// is. Where the text ends being GraphQL, so does the scan: parsing says why.
func (l Limits) scan(text string) (longest int, err *gqlerror.Error) {
	lex := lexer.New(&ast.Source{Input: text})
	for n := 0; ; n++ {
		token, end := lex.ReadToken()
		switch {
		case end != nil || token.Kind == lexer.EOF:
			return longest, nil
		case n == l.Tokens:
			return longest, tooComplex("The document has more than %d tokens.", l.Tokens)
		case token.Kind == lexer.Name && len(token.Value) > mostName:
			return longest, tooComplex("A name has at most %d characters.", mostName)
		}
		longest = max(longest, len(token.Value))
	}
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
	circle              string // a fragment that leads to itself
}

type fragment struct {
	definition *ast.FragmentDefinition
	began      bool
	ended      bool
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
	switch {
	case f.began && !f.ended:
		c.circle = name
	case !f.began:
		f.began = true
		f.size = c.of(f.definition.SelectionSet)
		f.ended = true
	}
	return f.size
}
