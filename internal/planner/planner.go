package planner

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/cache"
)

// DB is where the planner reads.
type DB interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Config is what a planner needs.
type Config struct {
	DB       DB
	Dialect  string
	Schema   *ast.Schema
	Entities []*Entity
	Objects  []*Object
	Limits   Limits
	Cursors  *Cursors
	Writes   map[string]Writes // by field of Mutation
	Reading  Reading           // nil where nobody wants to know
}

// Planner reads what operations select. It may be used by many goroutines.
type Planner struct {
	db          DB
	dialect     string
	schema      *ast.Schema
	order       []*Entity
	entities    map[string]*Entity
	roots       map[string]rootField
	comparisons map[string]map[string]comparison
	limits      Limits
	cursors     *Cursors
	writes      map[string]Writes
	reading     Reading
	plans       *cache.Cache[planKey, *plan]
	conditions  *cache.Cache[*ast.OperationDefinition, []string]
}

// rootField is a field of Query that the planner answers.
type rootField struct {
	entity *Entity // nil: any, by id
	one    bool
	where  Where
	rare   bool
	object *Object // nothing of the above
}

// planKey finds the plan of an operation, or of a mutation's payload, for the
// values of what @skip and @include depend on. Documents are cached by whoever
// parses them, so the same text is the same operation.
type planKey struct {
	of         any // *ast.OperationDefinition or *ast.Field
	conditions string
}

// What plans and conditions may weigh. A byte of a document weighs 1, as it is
// kept with them, and so does a field of a plan.
const (
	keptPlans = 1 << 20
	keptPlan  = 1 << 9 // the least that one weighs
)

// New makes a planner. It fails on entities that contradict each other or the
// schema.
func New(c Config) (*Planner, error) {
	p := &Planner{
		db: c.DB, dialect: c.Dialect, schema: c.Schema, order: c.Entities,
		limits: c.Limits, cursors: c.Cursors, writes: c.Writes, reading: c.Reading,
		entities: map[string]*Entity{}, comparisons: map[string]map[string]comparison{},
		roots: map[string]rootField{"node": {}, "nodes": {}},
	}
	p.plans = cache.New[planKey, *plan](keptPlans)
	p.conditions = cache.New[*ast.OperationDefinition, []string](keptPlans)
	for _, e := range c.Entities {
		p.entities[e.Name] = e
		p.comparisons[e.Name] = comparisonsOf(e)
		p.roots[e.One] = rootField{entity: e, one: true}
		for _, v := range e.Views {
			p.roots[v.Name] = rootField{entity: e, where: v.Where, rare: v.Rare}
		}
	}
	for _, o := range c.Objects {
		p.roots[o.Name] = rootField{object: o}
	}
	for _, e := range c.Entities {
		if err := p.check(e); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// check holds an entity against the schema: everything that can be selected has
// to be known.
func (p *Planner) check(e *Entity) error {
	typ := p.schema.Types[e.Name]
	if typ == nil {
		return fmt.Errorf("planner: the schema has no type %s", e.Name)
	}
	for _, f := range typ.Fields {
		if !strings.HasPrefix(f.Name, "__") && e.field(f.Name) == nil && e.edge(f.Name) == nil && e.computed(f.Name) == nil {
			return fmt.Errorf("planner: %s.%s is neither generated nor computed", e.Name, f.Name)
		}
	}
	for _, c := range e.Computed {
		for _, column := range c.Columns {
			if e.column(column) == nil {
				return fmt.Errorf("planner: %s.%s needs %s, which is no column", e.Name, c.Name, column)
			}
		}
	}
	for i := range e.Edges {
		edge := &e.Edges[i]
		if edge.of = e; p.entities[edge.To] == nil {
			return fmt.Errorf("planner: %s.%s leads to %s, which is no entity", e.Name, edge.Name, edge.To)
		}
	}
	return p.checkPolicy(e, typ)
}

// checkPolicy holds the policy of an entity against the schema: what it speaks of
// has to be there, and null has to be possible where it hides a field.
func (p *Planner) checkPolicy(e *Entity, typ *ast.Definition) error {
	for column, policy := range e.Policy.Fields {
		f := e.column(column)
		if f == nil {
			return fmt.Errorf("planner: the policy of %s speaks of %s, which is no column", e.Name, column)
		}
		if shown := typ.Fields.ForName(f.Name); policy.Read != nil && shown != nil && shown.Type.NonNull {
			return fmt.Errorf("planner: the policy of %s guards %s: its field needs the annotation entity.Guarded()", e.Name, column)
		}
	}
	for name := range e.Policy.Edges {
		if edge := e.edge(name); edge == nil || edge.Link.Through == "" {
			return fmt.Errorf("planner: the policy of %s speaks of %s, which is no edge through a table", e.Name, name)
		}
	}
	return nil
}

// Query answers the operation op. Root fields that the planner does not know are
// left to others, which is called with them, if there are any, and gives their
// values by response name. Data is nil where an error leaves none.
func (p *Planner) Query(ctx context.Context, op *ast.OperationDefinition, vars map[string]any, others func(ast.SelectionSet) map[string]json.RawMessage) (data []byte, errs []error) {
	conditions, err := p.conditionsOf(op, vars)
	if err != nil {
		return nil, []error{err}
	}
	plan, err := p.cached(planKey{op, conditions}, op.Position, func() (*plan, error) { return p.query(op, vars) })
	if err != nil {
		return nil, []error{err}
	}
	r := &run{Planner: p, ctx: ctx, vars: vars}
	if len(plan.foreign) > 0 {
		r.others = others(plan.foreign)
	}
	return r.answer(plan)
}

// cached returns the plan with the key, compiled at its first use, of what is at
// a place of a document.
func (p *Planner) cached(key planKey, of *ast.Position, compile func() (*plan, error)) (*plan, error) {
	if plan, ok := p.plans.Get(key); ok {
		return plan, nil
	}
	plan, err := compile()
	if err == nil {
		p.plans.Add(key, plan, weight(of)+plan.fields)
	}
	return plan, err
}

// weight is that of the document of a place in it.
func weight(of *ast.Position) int { return keptPlan + len(of.Src.Input) }

// conditionsOf are the values that @skip and @include depend on. A variable that
// has a default may be null all the same, which neither of them may.
func (p *Planner) conditionsOf(op *ast.OperationDefinition, vars map[string]any) (string, error) {
	names, ok := p.conditions.Get(op)
	if !ok {
		names = conditions(op)
		p.conditions.Add(op, names, weight(op.Position))
	}
	values := make([]byte, len(names))
	for i, name := range names {
		v, ok := vars[name].(bool)
		if !ok {
			return "", bad(name, "%s must be true or false: what is selected depends on it.", name)
		}
		if values[i] = 'f'; v {
			values[i] = 't'
		}
	}
	return string(values), nil
}
