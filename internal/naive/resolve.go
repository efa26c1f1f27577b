package naive

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// field is all selections of one name in an answer.
type field struct {
	*ast.Field
	selections ast.SelectionSet
}

// collect finds the fields that an object of the type has in the answer, in
// their order: GraphQL specification, 6.3.2 CollectFields.
func (r *run) collect(typ string, selections ast.SelectionSet) (fields []*field) {
	visited := map[string]bool{}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				if !r.included(s.Directives) {
					continue
				}
				i := slices.IndexFunc(fields, func(f *field) bool { return f.Alias == s.Alias })
				if i < 0 {
					i = len(fields)
					fields = append(fields, &field{Field: s})
				}
				fields[i].selections = append(fields[i].selections, s.SelectionSet...)
			case *ast.InlineFragment:
				if r.included(s.Directives) && applies(s.TypeCondition, typ) {
					walk(s.SelectionSet)
				}
			case *ast.FragmentSpread:
				if r.included(s.Directives) && !visited[s.Name] {
					visited[s.Name] = true
					if applies(s.Definition.TypeCondition, typ) {
						walk(s.Definition.SelectionSet)
					}
				}
			}
		}
	}
	walk(selections)
	return fields
}

func applies(condition, typ string) bool {
	return condition == "" || condition == typ || condition == "Node" && slices.Contains(ranges, typ)
}

func (r *run) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		if d.ArgumentMap(r.vars)["if"].(bool) == (d.Name == "skip") {
			return false
		}
	}
	return true
}

// resolve is the value of a field of an object.
func (r *run) resolve(object any, f *ast.Field) any {
	if _, query := object.(root); query && r.lost(f) {
		return nil
	}
	if f.Name == "__typename" {
		return typename(object)
	}
	switch o := object.(type) {
	case root:
		return r.root(f)
	case Row:
		return r.row(o, f)
	case connection:
		return map[string]any{"edges": o.edges, "totalCount": o.total, "pageInfo": o.info}[f.Name]
	case edge:
		return map[string]any{"node": o.row, "cursor": o.cursor}[f.Name]
	case pageInfo:
		return map[string]any{
			"hasNextPage": o.hasNext, "hasPreviousPage": o.hasPrevious, "startCursor": o.start, "endCursor": o.end,
		}[f.Name]
	}
	return nil
}

func typename(object any) string {
	switch o := object.(type) {
	case Row:
		return o.typ()
	case connection:
		return o.typ + "Connection"
	case edge:
		return o.row.typ() + "Edge"
	case pageInfo:
		return "PageInfo"
	}
	return "Query"
}

func (r *run) root(f *ast.Field) any {
	args := f.ArgumentMap(r.vars)
	if ids, ok := args["ids"]; ok {
		var nodes []Row
		for _, v := range list(ids) {
			id, _ := ParseID(v.(string))
			nodes = append(nodes, r.Data.byID(id))
		}
		return nodes
	}
	if v, ok := args["id"]; ok {
		id, _ := ParseID(v.(string))
		return r.Data.byID(id)
	}
	return r.connection(nil, f)
}

func (r *run) row(row Row, f *ast.Field) any {
	if v, ok := r.computed(row, f.Name); ok {
		return v
	}
	if v, ok := row[f.Name]; ok {
		return v
	}
	if f.Definition.Arguments.ForName("first") != nil {
		return r.connection(row, f)
	}
	if one := r.rows(row, f.Name); len(one) > 0 {
		return one[0]
	}
	return nil
}

func (r *run) connection(from Row, f *ast.Field) any {
	p, _ := r.paging(r.listed(f), f.ArgumentMap(r.vars)) // checked before
	return r.page(r.rows(from, f.Name), p)
}

// write writes a value as JSON.
func (r *run) write(v any, selections ast.SelectionSet) {
	switch v := v.(type) {
	case nil:
		r.out.WriteString("null")
	case bool, int, int64:
		fmt.Fprint(r.out, v)
	case string:
		r.text(v)
	case ID:
		r.text(v.global())
	case time.Time:
		r.text(v.Format(time.RFC3339Nano))
	case []edge:
		write(r, v, selections)
	case []Row:
		write(r, v, selections)
	case Row:
		if v == nil {
			r.out.WriteString("null")
			return
		}
		r.object(v, selections)
	default:
		r.object(v, selections)
	}
}

func write[T any](r *run, all []T, selections ast.SelectionSet) {
	r.out.WriteByte('[')
	for i, v := range all {
		if i > 0 {
			r.out.WriteByte(',')
		}
		r.write(v, selections)
	}
	r.out.WriteByte(']')
}

func (r *run) object(object any, selections ast.SelectionSet) {
	r.out.WriteByte('{')
	for i, f := range r.collect(typename(object), selections) {
		if i > 0 {
			r.out.WriteByte(',')
		}
		r.text(f.Alias)
		r.out.WriteByte(':')
		r.write(r.resolve(object, f.Field), f.selections)
	}
	r.out.WriteByte('}')
}

// text writes a string: what JSON must escape is escaped, the rest stands as it is.
func (r *run) text(s string) {
	r.out.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			r.out.WriteString(`\` + string(c))
		case strings.ContainsRune("\n\r\t", c):
			short, _ := json.Marshal(string(c))
			r.out.Write(short[1:3])
		case c < ' ':
			fmt.Fprintf(r.out, `\u%04x`, c)
		default:
			r.out.WriteRune(c)
		}
	}
	r.out.WriteByte('"')
}
