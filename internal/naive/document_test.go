package naive_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// document is a query that can be printed, and taken apart to find what of it
// matters.
type document struct {
	selections []*selection
	fragments  []*fragment
}

type fragment struct {
	name, on   string
	selections []*selection
}

// selection is a field, an inline fragment if it has no name, or a spread.
type selection struct {
	alias, name string
	on          string // of an inline fragment: its type, if any
	spread      *fragment
	args        []member
	directives  []member // skip and include by their condition
	selections  []*selection
}

// A value is nil, a bool, an int, a string, an enum, an object, a []value or a
// *variable.
type (
	value  any
	enum   string
	object []member
	member struct {
		name  string
		value value
	}
)

// variable is one that is given, left to its default, or left out.
type variable struct {
	name      string
	of        *ast.Type
	value     value
	fallback  value // its default
	given     bool
	defaulted bool
}

// printer writes a document, and notes the variables and fragments it uses.
type printer struct {
	strings.Builder
	variables []*variable
	fragments []*fragment
}

// body prints all but the variables, of which it notes those that are used.
func (d *document) body() *printer {
	p := &printer{}
	p.selections(d.selections)
	for i := 0; i < len(p.fragments); i++ { // it grows while they are printed
		f := p.fragments[i]
		p.WriteString(" fragment " + f.name + " on " + f.on)
		p.selections(f.selections)
	}
	return p
}

func (d *document) variables() []*variable { return d.body().variables }

func (d *document) print() request {
	p := d.body()
	body := p.String()
	head := &printer{}
	vars := map[string]any{}
	for _, v := range p.variables {
		head.WriteString(" $" + v.name + ": " + v.of.String())
		if v.defaulted {
			head.WriteString(" = ")
			head.value(v.fallback)
		}
		if v.given {
			vars[v.name] = plain(v.value)
		}
	}
	if len(p.variables) > 0 {
		body = "query(" + head.String()[1:] + ")" + body
	}
	return request{strings.TrimPrefix(body, " "), vars}
}

func (p *printer) selections(all []*selection) {
	p.WriteString(" {")
	for _, s := range all {
		p.WriteByte(' ')
		switch {
		case s.spread != nil:
			p.WriteString("..." + s.spread.name)
			if !slices.Contains(p.fragments, s.spread) {
				p.fragments = append(p.fragments, s.spread)
			}
		case s.name == "" && s.on == "":
			p.WriteString("...")
		case s.name == "":
			p.WriteString("... on " + s.on)
		case s.alias != "":
			p.WriteString(s.alias + ": " + s.name)
		default:
			p.WriteString(s.name)
		}
		if len(s.args) > 0 {
			p.members("(", s.args, ")")
		}
		for _, d := range s.directives {
			p.WriteString(" @" + d.name)
			p.members("(", []member{{"if", d.value}}, ")")
		}
		if len(s.selections) > 0 {
			p.selections(s.selections)
		}
	}
	p.WriteString(" }")
}

func (p *printer) members(open string, all []member, end string) {
	p.WriteString(open)
	for i, m := range all {
		if i > 0 {
			p.WriteString(", ")
		}
		p.WriteString(m.name + ": ")
		p.value(m.value)
	}
	p.WriteString(end)
}

func (p *printer) value(v value) {
	switch v := v.(type) {
	case nil:
		p.WriteString("null")
	case enum:
		p.WriteString(string(v))
	case string:
		p.WriteString(quoted(v))
	case *variable:
		p.WriteString("$" + v.name)
		if !slices.Contains(p.variables, v) {
			p.variables = append(p.variables, v)
		}
	case object:
		p.members("{", v, "}")
	case []value:
		p.WriteByte('[')
		for i, v := range v {
			if i > 0 {
				p.WriteString(", ")
			}
			p.value(v)
		}
		p.WriteByte(']')
	default:
		fmt.Fprint(p, v)
	}
}

func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}

// plain is a value as JSON has it.
func plain(v value) any {
	switch v := v.(type) {
	case enum:
		return string(v)
	case object:
		m := map[string]any{}
		for _, f := range v {
			m[f.name] = plain(f.value)
		}
		return m
	case []value:
		all := []any{}
		for _, v := range v {
			all = append(all, plain(v))
		}
		return all
	}
	return v
}
