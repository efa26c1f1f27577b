package profiler

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// node is a field of an operation, with the statements that it caused and the
// rows that were read of it.
type node struct {
	name       string
	statements []*group
	rows       int
	read       bool
	children   []*node
}

// group is a statement, or one that its field repeats.
type group struct {
	*statement         // the first
	Repeat     *repeat // nil for one
}

// Statements are all of the group.
func (g *group) Statements() []*statement {
	if g.Repeat == nil {
		return []*statement{g.statement}
	}
	return g.Repeat.Statements
}

// Together is how long they took.
func (g *group) Together() time.Duration {
	if g.Repeat == nil {
		return g.Took
	}
	return g.Repeat.Took
}

// AllRows are those of all of them.
func (g *group) AllRows() (n int64) {
	for _, s := range g.Statements() {
		n += s.Total()
	}
	return n
}

// Brief is what it does, in few words.
func (g *group) Brief() string { return brief(g.Text) }

// Frames reports whether it only begins, ends or prepares.
func (g *group) Frames() bool { return g.frames() }

// Mark is how its text refers to the argument, counted from 0.
func (g *group) Mark(i int) string {
	if strings.Contains(g.Text, "$1") {
		return "$" + strconv.Itoa(i+1)
	}
	return "?" + strconv.Itoa(i+1)
}

// SQL is the statement, laid out.
func (g *group) SQL() []token { return formatSQL(g.Text) }

// line is a line of the tree: a field, or a statement below it.
type line struct {
	Depth int
	Field string // its path from the field above
	Read  bool
	Rows  int
	Group *group // of a statement
}

// Around and Last are the names of the field's path, the last apart.
func (l line) Around() string { return l.Field[:strings.LastIndex(l.Field, ".")+1] }

// Last is the field's own name.
func (l line) Last() string { return l.Field[strings.LastIndex(l.Field, ".")+1:] }

// Indent is how far right it is shown.
func (l line) Indent() int { return min(l.Depth, 6) }

// tree is the operation as lines: its fields, and below each the statements that
// it caused, in the order in which they were sent.
func (o *operation) tree() []line {
	root := &node{}
	shown := map[*repeat]bool{}
	for _, s := range o.Statements {
		r := o.repeats[s.key()]
		if s.frames() {
			r = nil
		}
		if !shown[r] {
			at := root.at(s.Path)
			at.statements = append(at.statements, &group{s, r})
			shown[r] = r != nil
		}
		for _, read := range s.Reads {
			field := root.at(read.Path)
			field.read, field.rows = true, field.rows+read.Rows
		}
	}
	return root.lines(nil, 0, "")
}

func (n *node) at(path []string) *node {
	for _, name := range path {
		i := slices.IndexFunc(n.children, func(c *node) bool { return c.name == name })
		if i < 0 {
			i = len(n.children)
			n.children = append(n.children, &node{name: name})
		}
		n = n.children[i]
	}
	return n
}

// lines appends the lines of a node. One that has nothing to show but a field
// below it is on the line of that.
func (n *node) lines(all []line, depth int, above string) []line {
	name := strings.TrimPrefix(above+"."+n.name, ".")
	if name != "" {
		if len(n.statements) == 0 && !n.read && len(n.children) == 1 {
			return n.children[0].lines(all, depth, name)
		}
		all = append(all, line{Depth: depth, Field: name, Read: n.read, Rows: n.rows})
		depth++
	}
	for _, g := range n.statements {
		all = append(all, line{Depth: depth, Group: g})
	}
	for _, c := range n.children {
		all = c.lines(all, depth, "")
	}
	return all
}
