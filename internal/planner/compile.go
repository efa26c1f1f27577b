package planner

import (
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// compiler makes the plan of one operation.
type compiler struct {
	*Planner
	vars map[string]any // only for @skip and @include
	plan *plan
	err  error
}

// query compiles the root selections of a query.
func (p *Planner) query(op *ast.OperationDefinition, vars map[string]any) (*plan, error) {
	c := p.compiler(vars)
	for _, f := range c.collect(p.schema.Query, op.SelectionSet) {
		path := ast.Path{ast.PathName(f.Alias)}
		c.add(f, c.rootField(f, path))
	}
	return c.plan, c.err
}

// payload compiles what is selected of a mutation's payload: rows, lists of rows
// and connections of entities, and ids. Which ones, sources say when it is read.
func (p *Planner) payload(field graphql.CollectedField, vars map[string]any) (*plan, error) {
	c := p.compiler(vars)
	typ := p.schema.Types[field.Definition.Type.Name()]
	for _, f := range c.collect(typ, field.Selections) {
		path := ast.Path{ast.PathName(field.Alias), ast.PathName(f.Alias)}
		if f.Name == typename {
			c.add(f, nameOf(typ))
			continue
		}
		c.add(f, c.payloadField(f, path))
	}
	return c.plan, c.err
}

func (c *compiler) payloadField(f *collected, path ast.Path) writer {
	name, connection := strings.CutSuffix(f.Definition.Type.Name(), "Connection")
	l := &list{entity: c.entities[name], origin: bySource, path: path}
	switch {
	case l.entity == nil:
		return sourceID(f.Name)
	case connection:
		return c.connection(c.plan.top, nil, f, l)
	case f.Definition.Type.Elem != nil:
		return c.rows(f, l)
	}
	return c.one(c.plan.top, nil, f, l)
}

// rows compiles a list of the rows with ids that a source tells.
func (c *compiler) rows(f *collected, l *list) writer {
	return c.mayBe(&nodeObjects{many: true}, f, l)
}

func (p *Planner) compiler(vars map[string]any) *compiler {
	return &compiler{Planner: p, vars: vars, plan: &plan{top: &row{}, root: &object{}}}
}

const typename = "__typename"

// nameOf writes the name of a type.
func nameOf(typ *ast.Definition) writer { return constant(`"` + typ.Name + `"`) }

// add appends an entry to the answer; nil is one that somebody else writes.
func (c *compiler) add(f *collected, w writer) {
	if w == nil {
		w = foreign(f.Alias)
		one := *f.Field
		one.SelectionSet = f.selections
		c.plan.foreign = append(c.plan.foreign, &one)
	}
	c.plan.root.add(f, attempt{len(c.plan.root.entries), w})
}

func (c *compiler) rootField(f *collected, path ast.Path) writer {
	if f.Name == typename {
		return nameOf(c.schema.Query)
	}
	r, ok := c.roots[f.Name]
	switch {
	case !ok:
		return nil
	case r.object != nil:
		return c.rootObject(r.object, f, path)
	case r.entity == nil:
		return c.nodes(f, path)
	case r.one:
		return c.one(c.plan.top, nil, f, &list{entity: r.entity, origin: byID, path: path})
	}
	return c.connection(c.plan.top, nil, f, &list{entity: r.entity, origin: byPage, where: r.where, rare: r.rare, path: path})
}

// object compiles the selections of an entity's object.
func (c *compiler) object(l *list, typ *ast.Definition, selections ast.SelectionSet, path ast.Path) *object {
	o := &object{}
	for _, f := range c.collect(typ, selections) {
		path := append(path[:len(path):len(path)], ast.PathName(f.Alias))
		if w := c.field(l, typ, f, path); w != nil {
			o.add(f, w)
		} else if c.err == nil {
			c.err = fmt.Errorf("planner: %s.%s is neither generated nor computed", typ.Name, f.Name)
		}
	}
	c.written(l, l, o)
	return o
}

// written counts the fields of an object that is written for each row of per,
// once where it is nil, because of the list l.
func (c *compiler) written(per, l *list, o *object) {
	n := len(o.entries)
	if per != nil {
		per.fields += n
	}
	if c.plan.fields += n; c.err == nil && c.plan.fields > c.limits.Fields {
		c.err = c.refuse(l, "An operation selects at most %d fields.", c.limits.Fields)
	}
}

func (c *compiler) field(l *list, typ *ast.Definition, f *collected, path ast.Path) writer {
	e := l.entity
	if f.Name == typename {
		return nameOf(typ)
	}
	if computed := e.computed(f.Name); computed != nil {
		cc := computedCell{Computed: computed, field: f.Field}
		for _, column := range computed.Columns {
			cc.needs = append(cc.needs, l.row.cellOf(e.column(column)))
		}
		l.row.computed = append(l.row.computed, cc)
		return computedValue{l.row, len(l.row.computed) - 1}
	}
	if field := e.field(f.Name); field != nil {
		return value{l.row.cellOf(field), field.Kind}
	}
	edge := e.edge(f.Name)
	if edge == nil {
		return nil
	}
	next := &list{entity: c.entities[edge.To], edge: edge, where: edge.Where, path: path}
	if edge.Many {
		next.origin = byPage
		return c.connection(l.row, l, f, next)
	}
	next.origin = byEdge
	return c.one(l.row, l, f, next)
}

// list registers a list below a row.
func (c *compiler) list(above *list, f *collected, l *list) {
	l.index, l.above, l.field = len(c.plan.lists), above, f.Field
	l.root = len(c.plan.root.entries) // the one that is being compiled
	l.row = &row{entity: l.entity}
	l.rows, l.total, l.before, l.after, l.id, l.key = -1, -1, -1, -1, -1, -1
	c.plan.lists = append(c.plan.lists, l)
	depth := 1
	for a := above; a != nil; a = a.above {
		depth++
	}
	if c.err == nil && depth > c.limits.Depth {
		c.err = c.refuse(l, "Objects are nested at most %d deep.", c.limits.Depth)
	}
	if c.err == nil && len(c.plan.lists) > c.limits.Lists {
		c.err = c.refuse(l, "An operation reads at most %d lists and related objects.", c.limits.Lists)
	}
}

// one compiles a field that is an object or null.
func (c *compiler) one(parent *row, above *list, f *collected, l *list) writer {
	c.list(above, f, l)
	if c.err != nil {
		return foreign("")
	}
	w := oneObject{list: l, object: c.object(l, c.schema.Types[l.entity.Name], f.selections, l.path)}
	l.rows = parent.add(cell{part: partRows, list: l})
	return w
}

// nodes compiles node and nodes: one list for each type that may come.
func (c *compiler) nodes(f *collected, path ast.Path) writer {
	nodes := &nodeObjects{many: f.Definition.Type.Elem != nil}
	var w writer = nodes
	for _, e := range c.order {
		w = c.mayBe(nodes, f, &list{entity: e, origin: byIDs, path: path})
	}
	return w
}

// mayBe adds a type that rows by id may be of, with its list.
func (c *compiler) mayBe(w *nodeObjects, f *collected, l *list) writer {
	c.list(nil, f, l)
	if c.err != nil {
		return foreign("")
	}
	t := nodeType{list: l, id: l.row.cellOf(l.entity.column("id"))}
	t.object = c.object(l, c.schema.Types[l.entity.Name], f.selections, l.path)
	l.rows = c.plan.top.add(cell{part: partRows, list: l})
	w.types = append(w.types, t)
	return w
}

// connection compiles a page and what is asked of it.
func (c *compiler) connection(parent *row, above *list, f *collected, l *list) writer {
	c.list(above, f, l)
	if c.err != nil {
		return foreign("")
	}
	typ := c.schema.Types[f.Definition.Type.Name()]
	w := &object{}
	rows := false
	for _, cf := range c.collect(typ, f.selections) {
		path := append(l.path[:len(l.path):len(l.path)], ast.PathName(cf.Alias))
		switch cf.Name {
		case typename:
			w.add(cf, nameOf(typ))
		case "totalCount":
			w.add(cf, value{c.part(parent, l, partTotal, &l.total), Int})
		case "edges":
			rows = true
			w.add(cf, c.edges(l, cf, path))
		case "pageInfo":
			rows = true
			w.add(cf, c.pageInfo(parent, l, cf))
		}
	}
	if rows {
		l.rows = parent.add(cell{part: partRows, list: l})
	}
	c.written(above, l, w)
	return w
}

// part returns the cell of something about a list in the row above.
func (c *compiler) part(parent *row, l *list, p part, at *int) int {
	if *at < 0 {
		*at = parent.add(cell{part: p, list: l})
	}
	return *at
}

func (c *compiler) edges(l *list, f *collected, path ast.Path) writer {
	typ := c.schema.Types[f.Definition.Type.Name()]
	w := &edgeList{list: l}
	for _, ef := range c.collect(typ, f.selections) {
		switch ef.Name {
		case typename:
			w.edge.add(ef, nameOf(typ))
		case "cursor":
			c.cursor(l)
			w.edge.add(ef, cursorOf{l})
		case "node":
			node := append(path[:len(path):len(path)], ast.PathName(ef.Alias))
			w.edge.add(ef, c.object(l, c.schema.Types[l.entity.Name], ef.selections, node))
		}
	}
	c.written(l, l, &w.edge)
	return w
}

// cursor has the position of each row read: its id and what it is ordered by.
func (c *compiler) cursor(l *list) {
	if l.key < 0 {
		l.id = l.row.cellOf(l.entity.column("id"))
		l.key = l.row.add(cell{part: partKey, list: l})
	}
}

func (c *compiler) pageInfo(parent *row, l *list, f *collected) writer {
	typ := c.schema.Types[f.Definition.Type.Name()]
	w := &object{}
	for _, pf := range c.collect(typ, f.selections) {
		switch pf.Name {
		case typename:
			w.add(pf, nameOf(typ))
		case "hasNextPage":
			l.more = true
			w.add(pf, hasMore{list: l, cell: c.part(parent, l, partAfter, &l.after), forward: true})
		case "hasPreviousPage":
			l.more = true
			w.add(pf, hasMore{list: l, cell: c.part(parent, l, partBefore, &l.before)})
		case "startCursor", "endCursor":
			c.cursor(l)
			w.add(pf, pageCursor{list: l, last: pf.Name == "endCursor"})
		}
	}
	c.written(l.above, l, w)
	return w
}
