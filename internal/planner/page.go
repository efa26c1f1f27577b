package planner

import (
	"encoding/json"
	"math"
	"strconv"

	"docket/internal/scalar"
	"docket/internal/viewer"
)

// bindPage reads the arguments of a connection.
func (r *run) bindPage(l *list, b *page, args map[string]any) error {
	first, err := r.count("first", args)
	if err != nil {
		return err
	}
	last, err := r.count("last", args)
	if err != nil {
		return err
	}
	switch {
	case first != nil && last != nil:
		return bad("last", "Give first or last, not both.")
	case last != nil:
		b.size, b.backward = *last, true
	case first != nil:
		b.size = *first
	default:
		b.size = r.limits.Page
	}
	if err := bindOrder(l.entity, b, args["orderBy"]); err != nil {
		return err
	}
	b.scope = r.scope(l, b)
	if l.origin == bySource && r.sources == nil {
		return nil // a check: the order is not known yet, nor which cursors fit
	}
	if b.after, err = r.cursor(b, "after", args["after"]); err != nil {
		return err
	}
	if b.before, err = r.cursor(b, "before", args["before"]); err != nil {
		return err
	}
	f := filters{r}
	b.filter, err = f.of(l.entity, args["where"], 1)
	return err
}

// count reads first or last.
func (r *run) count(name string, args map[string]any) (*int, error) {
	v := args[name]
	if v == nil {
		return nil, nil
	}
	n, ok := integer(v)
	switch {
	case !ok || n < 0:
		return nil, bad(name, "%s must be 0 or more.", name)
	case n > int64(r.limits.MaxPage):
		return nil, tooMuch(BadInput, name, r.limits.MaxPage, "%s is at most %d; ask for the next page with after.", name, r.limits.MaxPage)
	}
	size := int(n)
	return &size, nil
}

// integer reads a whole number as variables and literals bring it.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	}
	return 0, false
}

// bindOrder reads orderBy. Rows are ordered by its field and then by id, both in
// its direction, so that no two are in the same place; without it, by id.
func bindOrder(e *Entity, b *page, v any) error {
	order, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	if direction, ok := order["direction"].(string); ok {
		b.desc = direction == "DESC"
		if !b.desc && direction != "ASC" {
			return bad("orderBy", "direction must be ASC or DESC.")
		}
	}
	name, ok := order["field"].(string)
	if !ok {
		return nil
	}
	if name == "ID" {
		return nil
	}
	if b.order = e.order(name); b.order == nil {
		return bad("orderBy", "%s have no order %q.", e.Table, name)
	}
	return nil
}

// cursor reads after or before.
func (r *run) cursor(b *page, name string, v any) (*position, error) {
	if v == nil {
		return nil, nil
	}
	text, ok := v.(string)
	if !ok {
		return nil, bad(name, "%s must be a cursor of this list.", name)
	}
	p, err := r.cursors.open(text, b.scope, b.keyKind())
	if err != nil {
		return nil, bad(name, "%s is not a cursor of this list in this order.", name)
	}
	return p, nil
}

// scope is what the cursors of a page are bound to: rows of one entity, in one order, as one
// viewer has them. To another, who can ask where rows of their own stand before
// and after it, it would tell what it holds.
func (r *run) scope(l *list, b *page) string {
	v, _ := viewer.FromContext(r.ctx)
	scope := v.Subject + "\x00" + l.entity.Name
	if b.order != nil {
		scope += " " + b.order.Name
	}
	if b.desc {
		scope += " DESC"
	}
	return scope
}

// appendCursor appends the cursor of a row.
func (r *run) appendCursor(to []byte, l *list, cells []datum) []byte {
	b := &r.pages[l.index]
	key := cells[l.key]
	text := r.value(key)
	if !key.null() {
		text = alike(b.keyKind(), text)
	}
	return r.cursors.seal(to, b.scope, r.value(cells[l.id]), key.null(), text)
}

// alike is a value in the same words, whichever database wrote it, so that they
// all make the same cursor.
func alike(kind Kind, text string) string {
	switch kind {
	case Time:
		if instant, err := scalar.AppendStored(nil, text); err == nil {
			return string(instant)
		}
	case Float:
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return strconv.FormatFloat(f+0, 'g', -1, 64)
		}
	case Bool:
		return strconv.FormatBool(isTrue(text))
	}
	return text
}
