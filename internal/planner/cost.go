package planner

import (
	"slices"

	"github.com/99designs/gqlgen/graphql"
)

// Cost is what an operation may ask of the database and of its answer, as far as
// its arguments tell: what is in the database, it does not know.
type Cost struct {
	Rows       int // that its pages may have
	Values     int // that these may have
	Conditions int // of filters, and counts of all pages, each for every row above its list
	Writes     int // of mutations: the entries of a bulk, or 1
}

// The price of what is no row and no value.
const (
	priceCondition = 10
	priceWrite     = 10
)

// Total is one number for all of it, never 0.
func (c Cost) Total() int {
	return 1 + c.Rows + c.Values + priceCondition*c.Conditions + priceWrite*c.Writes
}

func (c *Cost) add(other Cost) {
	c.Rows += other.Rows
	c.Values += other.Values
	c.Conditions += other.Conditions
	c.Writes += other.Writes
}

const costKey = "docket.cost"

// CostOf is what an operation costs, once its arguments were read; also of one
// that was refused for it.
func CostOf(oc *graphql.OperationContext) (c Cost, known bool) {
	c, known = oc.Stats.GetExtension(costKey).(Cost)
	return c, known
}

// charge notes what an operation costs, and refuses one that costs too much.
func (p *Planner) charge(oc *graphql.OperationContext, c Cost) error {
	oc.Stats.SetExtension(costKey, c)
	if c.Total() <= p.limits.Cost {
		return nil
	}
	err := tooMuch(TooComplex, "", p.limits.Cost, "The operation could cost %d, and may cost %d; ask for smaller pages, or for less of each.", c.Total(), p.limits.Cost)
	err.Facts["requested"] = c.Total()
	return err
}

// chargeQuery charges the operation of the request, if there is one, for what was bound.
func (r *run) chargeQuery() {
	if !graphql.HasOperationContext(r.ctx) {
		return
	}
	err := r.charge(graphql.GetOperationContext(r.ctx), r.cost)
	if err != nil && slices.Contains(r.failed, false) { // otherwise it is refused already
		r.failAll()
		r.errs = append(r.errs, err)
	}
}

// Writes is how many rows a mutation with the input writes, where that is not
// how many objects its lists have.
type Writes func(input map[string]any) int

// written is how many rows a field of Mutation writes.
func (p *Planner) written(field graphql.CollectedField, vars map[string]any) int {
	args, err := arguments(field.Field, vars)
	if err != nil { // which is told when it is executed
		return 1
	}
	if tell := p.writes[field.Name]; tell != nil {
		input, _ := args["input"].(map[string]any)
		return max(tell(input), 1)
	}
	return max(objects(args), 1)
}

// objects is how many objects the lists within a value have.
func objects(v any) (n int) {
	if object, ok := v.(map[string]any); ok {
		for _, member := range object {
			n += objects(member)
		}
		return n
	}
	for _, entry := range listed(v) {
		if n += objects(entry); isObject(entry) {
			n++
		}
	}
	return n
}

func isObject(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

// listed are the entries of a list, as literals and variables bring it.
func listed(v any) []any {
	switch v.(type) {
	case []any, []map[string]any:
		return asList(v)
	}
	return nil
}
