package planner

import (
	"encoding/json"

	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/scalar"
)

// page is a list, bound to the arguments of a request.
type page struct {
	skip     bool  // nothing can be in it
	ids      []int // only these rows, if not nil
	wanted   []int // for node and nodes: all ids asked for, of any type
	where    Where // what a mutation says, besides
	size     int   // rows that the page has at most
	backward bool  // taken from the end
	order    *Order
	desc     bool
	scope    string // what its cursors are bound to
	after    *position
	before   *position
	filter   condition
}

// keyKind is how the value of the order is framed.
func (p *page) keyKind() Kind {
	if p.order == nil {
		return Int // ordered by id alone, the key is empty
	}
	return p.order.Kind
}

// limit is how many rows are read of a page.
func (p *page) limit(l *list) int {
	if l.more {
		return p.size + 1
	}
	return p.size
}

// bind reads the arguments of all lists. It goes on after an error, so that
// each root field that cannot be served says so.
func (r *run) bind(p *plan) []error {
	r.pages = make([]page, len(p.lists))
	weights := make([]int, len(p.lists)) // how many rows each list may have
	var errs []error
	r.failed = make([]bool, len(p.root.entries))
	var failed *ast.Field // the last node or nodes that did
	rows, values := &r.cost.Rows, &r.cost.Values
	for i, l := range p.lists {
		if l.field == failed {
			continue // another type's list of the same ids
		}
		before := r.conditions
		if err := r.bindList(l, &r.pages[i]); err != nil {
			if errs = append(errs, placed(l.path, err)); l.origin == byIDs {
				failed = l.field
			}
			r.failed[l.root] = true
			continue
		}
		weights[i] = 1
		if l.above != nil {
			weights[i] = weights[l.above.index]
		}
		r.cost.Conditions += weights[i] * (r.conditions - before)
		if l.total >= 0 {
			r.cost.Conditions += weights[i]
		}
		if l.rows >= 0 {
			weights[i] *= max(r.pages[i].size, 1)
		}
		*rows += weights[i]
		*values += weights[i] * l.fields
		switch {
		case *rows > r.limits.Rows:
			r.failAll() // together they are too many
			return append(errs, placed(l.path, tooMuch(TooComplex, "", r.limits.Rows,
				"Its pages could have more than %d rows together; ask for smaller ones.", r.limits.Rows)))
		case *values > r.limits.Values:
			r.failAll()
			return append(errs, placed(l.path, tooMuch(TooComplex, "", r.limits.Values,
				"Its pages could have more than %d values together; ask for smaller ones, or for fewer fields.", r.limits.Values)))
		}
	}
	return errs
}

// failAll leaves no entry of the answer.
func (r *run) failAll() {
	for i := range r.failed {
		r.failed[i] = true
	}
}

func (r *run) bindList(l *list, b *page) error {
	switch l.origin {
	case byEdge, byWhere:
		b.size = 1
		return nil
	case bySource:
		if s, ok := r.sources[l.field.Name]; ok {
			s.bind(l, b)
		} else if l.field.Definition.Type.Elem != nil {
			b.size = r.cost.Writes // a check: the rows of a bulk
		}
		if len(l.field.Definition.Arguments) == 0 { // no connection
			return nil
		}
	}
	args, err := arguments(l.field, r.vars)
	if err != nil {
		return err
	}
	switch l.origin {
	case byID:
		return bindID(l, b, args["id"])
	case byIDs:
		return r.bindIDs(l, b, args)
	}
	return r.bindPage(l, b, args)
}

func bindID(l *list, b *page, v any) error {
	id, err := idOf("id", l.entity.Name, v)
	b.ids, b.size = []int{id}, 1
	return err
}

// idOf reads the id of a row of the type, "" for any.
func idOf(field, typ string, v any) (int, error) {
	id, err := scalar.UnmarshalID(v)
	if err != nil {
		return 0, bad(field, "%s", err)
	}
	if got := scalar.TypeOf(id); typ != "" && got != typ {
		return 0, bad(field, "%s must be the id of type %s, not of type %s.", field, typ, got)
	}
	return id, nil
}

func (r *run) bindIDs(l *list, b *page, args map[string]any) error {
	name, all := "id", []any{args["id"]}
	if v, many := args["ids"]; many {
		name, all = "ids", asList(v)
	}
	if len(all) > r.limits.MaxPage {
		return tooMuch(BadInput, name, r.limits.MaxPage, "At most %d ids at a time.", r.limits.MaxPage)
	}
	seen := map[int]bool{}
	for _, v := range all {
		id, err := scalar.UnmarshalID(v)
		if err != nil {
			return bad(name, "%s", err)
		}
		b.wanted = append(b.wanted, id)
		if scalar.TypeOf(id) != l.entity.Name {
			continue
		}
		b.size++ // what is asked for twice is answered twice
		if !seen[id] {
			seen[id] = true
			b.ids = append(b.ids, id)
		}
	}
	b.skip = b.size == 0
	return nil
}

// asList is a value that a list is expected for: one value may stand for a list
// of it (GraphQL specification, 3.11 List).
func asList(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	case []string:
		return boxed(v)
	case []map[string]any:
		return boxed(v)
	case []bool:
		return boxed(v)
	case []int64:
		return boxed(v)
	case []float64:
		return boxed(v)
	case []json.Number: // one number for a list of them, in a variable
		return boxed(v)
	}
	return []any{v}
}

func boxed[T any](all []T) []any {
	out := make([]any, len(all))
	for i, v := range all {
		out[i] = v
	}
	return out
}

// arguments are the values given to a field, defaults included.
func arguments(f *ast.Field, vars map[string]any) (map[string]any, error) {
	args := make(map[string]any, len(f.Arguments))
	for _, d := range f.Definition.Arguments {
		value := d.DefaultValue
		if given := f.Arguments.ForName(d.Name); given != nil {
			if given.Value.Kind == ast.Variable {
				if v, ok := vars[given.Value.Raw]; ok {
					args[d.Name] = v
					continue
				}
			} else {
				value = given.Value
			}
		}
		if value == nil {
			continue
		}
		v, err := value.Value(vars)
		if err != nil { // a number that no integer holds
			return nil, bad(d.Name, "%s has a value that does not fit.", d.Name)
		}
		args[d.Name] = v
	}
	return args, nil
}
