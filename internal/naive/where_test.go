package naive_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"docket/internal/naive"
)

// where writes a filter of a type.
func (a *author) where(typ string, depth int) value {
	if a.once(25) {
		return nil
	}
	fields := a.schema.Types[typ+"WhereInput"].Fields
	o := object{}
	for range []int{1, 1, 1, 2, 3, 0}[a.IntN(6)] {
		f := pick(a.Rand, pick(a.Rand, kinds(fields)))
		if !a.has(o, f.Name) {
			o = append(o, member{f.Name, a.operand(typ, f, depth)})
		}
	}
	return o
}

// kinds are the filters by what they do, as the dates and ids are so many: those
// that take others or lead to other rows, those only text has, those of what may be
// null, and all.
func kinds(fields ast.FieldList) (all []ast.FieldList) {
	var nesting, text, null ast.FieldList
	for _, f := range fields {
		switch {
		case strings.HasSuffix(f.Type.Name(), "Input"), f.Type.Name() == "Boolean" && strings.HasPrefix(f.Name, "has"):
			nesting = append(nesting, f)
		case strings.HasSuffix(f.Name, "Fold"), strings.HasSuffix(f.Name, "Contains"), strings.HasSuffix(f.Name, "fix"):
			text = append(text, f)
		case strings.HasPrefix(f.Name, "cancelledAt"), strings.HasPrefix(f.Name, "confirmedAt"):
			null = append(null, f)
		}
	}
	all = append(all, fields, nesting)
	if text != nil {
		all = append(all, text)
	}
	if null != nil {
		all = append(all, null)
	}
	return all
}

func (a *author) has(o object, name string) bool {
	for _, m := range o {
		if m.name == name {
			return true
		}
	}
	return false
}

// operand is what a filter compares with.
func (a *author) operand(typ string, f *ast.FieldDefinition, depth int) value {
	if a.once(20) {
		return nil
	}
	if f.Type.Elem == nil {
		return a.scalar(typ, f, depth)
	}
	if a.once(8) { // one stands for a list
		if v := a.scalar(typ, f, depth); v != nil {
			return v
		}
	}
	all := []value{}
	for range a.IntN(4) {
		if v := a.scalar(typ, f, depth); v != nil {
			all = append(all, v)
		}
	}
	return all
}

func (a *author) scalar(typ string, f *ast.FieldDefinition, depth int) value {
	named := f.Type.Name()
	if of, ok := strings.CutSuffix(named, "WhereInput"); ok {
		if depth >= 3 {
			return object{}
		}
		return a.where(of, depth+1)
	}
	switch named {
	case "Boolean":
		return a.once(2)
	case "ID":
		of, _, found := strings.Cut(f.Name, "ID")
		if !found {
			return a.id(typ)
		}
		return a.id(strings.ToUpper(of[:1]) + of[1:])
	case "Int":
		return pick(a.Rand, []int{0, 1, 2, 3, 4, -1, 1<<31 - 1, 1 << 40})
	case "Time":
		return a.time()
	case "String":
		return a.part()
	}
	return enum(pick(a.Rand, a.schema.Types[named].EnumValues).Name)
}

// id is one of the type, of any if it is empty: that of a row, mostly.
func (a *author) id(typ string) string {
	if typ == "" || a.once(80) {
		typ = pick(a.Rand, types)
	}
	if a.once(80) {
		return pick(a.Rand, []string{"", "1", "Q2xpZW50", "Q2xpZW50Oi0x", "Tm9ib2R5OjE=", "Q2xpZW50OjE", "Q2xpZW50OjAx", "💥"})
	}
	rows := a.data.rows[typ] // those that the viewer may not see, too
	if len(rows) == 0 || a.once(6) {
		return global(typ, a.IntN(300))
	}
	return global(typ, int(pick(a.Rand, rows)["id"].(naive.ID)%(1<<32)))
}

func global(typ string, n int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d", typ, n))
}

func (a *author) ids(typ string) value {
	if a.once(10) {
		return a.id(typ)
	}
	n := a.IntN(6)
	if a.once(50) {
		n = maxPage + 1
	}
	all := make([]value, 0, n)
	for range n {
		if len(all) > 0 && a.once(4) {
			all = append(all, pick(a.Rand, all))
			continue
		}
		all = append(all, a.id(typ))
	}
	return all
}

// time is an instant near to those of the data, in some zone.
func (a *author) time() string {
	if a.once(60) {
		return pick(a.Rand, []string{"", "2030", "2030-01-07T09:00:00", "9999-01-01T00:00:00Z", "0000-12-31T23:59:59Z", "2030-02-30T00:00:00Z"})
	}
	t := pick(a.Rand, a.data.instants).Add(pick(a.Rand, []time.Duration{0, 0, 0, time.Microsecond, -time.Microsecond, 500, time.Second}))
	if zone := a.IntN(27) - 13; zone != 0 && a.once(3) {
		t = t.In(time.FixedZone("", zone*3600+a.IntN(2)*1800))
	}
	return t.Format(time.RFC3339Nano)
}

// part is a text of the data, or the beginning, the end or the middle of one, in
// some case.
func (a *author) part() string {
	s := []rune(pick(a.Rand, a.data.texts))
	if a.once(8) {
		s = []rune(pick(a.Rand, []string{"UTC", "Europe/Berlin", "America/New_York"}))
	}
	from := a.IntN(len(s) + 1)
	to := from + a.IntN(len(s)-from+1)
	text := string(pick(a.Rand, [][]rune{s, s, s[from:], s[:to], s[from:to]}))
	switch a.IntN(10) {
	case 0:
		text = strings.ToLower(text)
	case 1:
		text = strings.ToUpper(text)
	case 2, 3, 4:
		text = swapped(text)
	case 5:
		text += pick(a.Rand, pieces)
	}
	if a.once(100) {
		text += "\x00"
	}
	return text
}
