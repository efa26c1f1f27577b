package planner

import (
	"context"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// Object is what a field of Query leads to that is no row: values that Go makes
// for the request, and rows of entities.
type Object struct {
	Name   string // of the field
	Values map[string]func(context.Context, *Values)
	Rows   map[string]ObjectRow
}

// ObjectRow is the one row of an entity that Where chooses, or none.
type ObjectRow struct {
	Entity string
	Where  Where
}

// rootObject compiles the selections of an object.
func (c *compiler) rootObject(o *Object, f *collected, path ast.Path) writer {
	w := &object{}
	typ := c.schema.Types[f.Definition.Type.Name()]
	for _, cf := range c.collect(typ, f.selections) {
		path := append(path[:len(path):len(path)], ast.PathName(cf.Alias))
		row, isRow := o.Rows[cf.Name]
		value := o.Values[cf.Name]
		switch {
		case cf.Name == typename:
			w.add(cf, nameOf(typ))
		case isRow:
			w.add(cf, c.one(c.plan.top, nil, cf, &list{entity: c.entities[row.Entity], origin: byWhere, where: row.Where, path: path}))
		case value != nil:
			w.add(cf, made(value))
		case c.err == nil:
			c.err = fmt.Errorf("planner: %s.%s is neither a value nor a row", typ.Name, cf.Name)
		}
	}
	c.written(nil, &list{path: path}, w)
	return w
}

// made writes a value that Go makes for the request.
type made func(context.Context, *Values)

func (m made) write(r *run, _ []datum) bool {
	out := Values{json: r.out}
	m(r.ctx, &out)
	r.out = out.json
	return true
}
