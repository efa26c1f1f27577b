package naive

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
)

// Evaluator answers queries on data at a moment.
type Evaluator struct {
	Schema        *ast.Schema
	Data          Data
	All           Data // where a view has to know of more than Data
	Now           time.Time
	Notice        time.Duration // how long before its start a slot can last be reserved
	Page, MaxPage int           // rows of a page: when not said, and at most

	positions map[string]position // of all cursors that were written
}

// New returns an evaluator with nothing to tell yet.
func New(schema *ast.Schema) *Evaluator {
	return &Evaluator{Schema: schema, positions: map[string]position{}}
}

// ErrInvalid says that a document cannot be executed at all.
var ErrInvalid = errors.New("naive: the document is not valid")

// Answer is the data that the query has for an answer, as JSON. Refused are the
// paths of the fields with arguments that cannot be served: the root fields they
// are in are null, or all of the data is where one of those cannot be.
func (e *Evaluator) Answer(query string, variables map[string]any) (data []byte, refused []string, err error) {
	doc, errs := gqlparser.LoadQueryWithRules(e.Schema, query, nil)
	if len(errs) > 0 {
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, errs)
	}
	op := doc.Operations[0]
	vars, err := validator.VariableValues(e.Schema, op, variables)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	r := &run{Evaluator: e, vars: vars, out: &bytes.Buffer{}}
	r.check("Query", op.SelectionSet, "")
	slices.Sort(r.refused)
	for _, f := range r.collect("Query", op.SelectionSet) {
		if r.lost(f.Field) && f.Definition.Type.NonNull {
			return nil, r.refused, nil
		}
	}
	r.write(root{}, op.SelectionSet)
	return r.out.Bytes(), r.refused, nil
}

// run is one answer.
type run struct {
	*Evaluator
	vars    map[string]any
	out     *bytes.Buffer
	refused []string
}

// lost reports whether something in a root field was refused.
func (r *run) lost(f *ast.Field) bool {
	return slices.ContainsFunc(r.refused, func(path string) bool { return strings.HasPrefix(path+"/", "/"+f.Alias+"/") })
}

// root is the object of the type Query.
type root struct{}

// check reads the arguments of all fields, whether there are rows for them or not.
func (r *run) check(typ string, selections ast.SelectionSet, path string) {
	for _, f := range r.collect(typ, selections) {
		path := path + "/" + f.Alias
		if err := r.arguments(f.Field); err != nil {
			r.refused = append(r.refused, path)
		}
		if f.Name == "__typename" {
			continue
		}
		next := f.Definition.Type.Name()
		if next != "Node" {
			r.check(next, f.selections, path)
			continue
		}
		for _, next := range ranges {
			r.check(next, f.selections, path)
		}
	}
}

// arguments reports what is wrong with the arguments of a field.
func (r *run) arguments(f *ast.Field) error {
	args := f.ArgumentMap(r.vars)
	switch {
	case f.Definition.Arguments.ForName("first") != nil:
		_, err := r.paging(r.listed(f), args)
		return err
	case f.Name == "nodes":
		ids := list(args["ids"])
		if len(ids) > r.MaxPage {
			return errors.New("too many")
		}
		for _, id := range ids {
			if _, ok := ParseID(id.(string)); !ok {
				return errors.New("not an id")
			}
		}
	case args["id"] != nil:
		id, ok := ParseID(args["id"].(string))
		if !ok || f.Name != "node" && typeOf(id) != typeNamed(f.Name) {
			return errors.New("not an id of the type")
		}
	}
	return nil
}

// listed is the type of the rows of a connection.
func (r *run) listed(f *ast.Field) string {
	edges := r.Schema.Types[f.Definition.Type.Name()].Fields.ForName("edges").Type.Name()
	return r.Schema.Types[edges].Fields.ForName("node").Type.Name()
}

// list is a value that a list is expected for; one value stands for a list of it.
func list(v any) []any {
	of := reflect.ValueOf(v)
	switch {
	case v == nil:
		return nil
	case of.Kind() != reflect.Slice:
		return []any{v}
	}
	all := make([]any, of.Len())
	for i := range all {
		all[i] = of.Index(i).Interface()
	}
	return all
}

// number reads an Int, as documents and variables bring it.
func number(v any) (int64, error) {
	var n int64
	_, err := fmt.Sscanf(fmt.Sprint(v), "%d", &n)
	return n, err
}
