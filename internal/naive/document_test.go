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
	text      strings.Builder
	variables []*variable
	fragments []*fragment
}

// body prints all but the variables, of which it notes those that are used.
func (d *document) body() *printer {
	p := &printer{}
	p.selections(d.selections)
	for i := 0; i < len(p.fragments); i++ { // it grows while they are printed
		f := p.fragments[i]
		p.text.WriteString(" fragment " + f.name + " on " + f.on)
		p.selections(f.selections)
	}
	return p
}

func (d *document) variables() []*variable { return d.body().variables }

func (d *document) print() request {
	p := d.body()
	body := p.text.String()
	head := &printer{}
	vars := map[string]any{}
	for _, v := range p.variables {
		head.text.WriteString(" $" + v.name + ": " + v.of.String())
		if v.defaulted {
			head.text.WriteString(" = ")
			head.value(v.fallback)
		}
		if v.given {
			vars[v.name] = plain(v.value)
		}
	}
	if len(p.variables) > 0 {
		body = "query(" + head.text.String()[1:] + ")" + body
	}
	return request{strings.TrimPrefix(body, " "), vars}
}

func (p *printer) selections(all []*selection) {
	p.text.WriteString(" {")
	for _, s := range all {
		p.text.WriteByte(' ')
		switch {
		case s.spread != nil:
			p.text.WriteString("..." + s.spread.name)
			if !slices.Contains(p.fragments, s.spread) {
				p.fragments = append(p.fragments, s.spread)
			}
		case s.name == "" && s.on == "":
			p.text.WriteString("...")
		case s.name == "":
			p.text.WriteString("... on " + s.on)
		case s.alias != "":
			p.text.WriteString(s.alias + ": " + s.name)
		default:
			p.text.WriteString(s.name)
		}
		if len(s.args) > 0 {
			p.members("(", s.args, ")")
		}
		for _, d := range s.directives {
			p.text.WriteString(" @" + d.name)
			p.members("(", []member{{"if", d.value}}, ")")
		}
		if len(s.selections) > 0 {
			p.selections(s.selections)
		}
	}
	p.text.WriteString(" }")
}

func (p *printer) members(open string, all []member, end string) {
	p.text.WriteString(open)
	for i, m := range all {
		if i > 0 {
			p.text.WriteString(", ")
		}
		p.text.WriteString(m.name + ": ")
		p.value(m.value)
	}
	p.text.WriteString(end)
}

func (p *printer) value(v value) {
	switch v := v.(type) {
	case nil:
		p.text.WriteString("null")
	case enum:
		p.text.WriteString(string(v))
	case string:
		p.text.WriteString(quoted(v))
	case *variable:
		p.text.WriteString("$" + v.name)
		if !slices.Contains(p.variables, v) {
			p.variables = append(p.variables, v)
		}
	case object:
		p.members("{", v, "}")
	case []value:
		p.text.WriteByte('[')
		for i, v := range v {
			if i > 0 {
				p.text.WriteString(", ")
			}
			p.value(v)
		}
		p.text.WriteByte(']')
	default:
		fmt.Fprint(&p.text, v)
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
