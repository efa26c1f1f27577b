package profiler

import (
	"regexp"
	"strings"
)

// token is a piece of a text that is shown in one colour.
type token struct{ Class, Text string }

// The colours of SQL, in the order in which they are tried.
var (
	sqlTokens = regexp.MustCompile(`(?s)('(?:[^']|'')*')|("[^"]*"|` + "`[^`]*`" + `)|(\$\d+|\?\d*)|(\d+(?:\.\d+)?)|([A-Za-z_#][A-Za-z_0-9]*)|(\s+)|(::|<=|>=|<>|!=|\|\||.)`)
	sqlClass  = []string{"", "text", "name", "arg", "number", "word", "space", "sign"}
)

// keywords are shown as such; those that are true begin a line.
var keywords = map[string]bool{
	"SELECT": true, "FROM": true, "WHERE": true, "ORDER": true, "GROUP": true, "HAVING": true, "LIMIT": true, "OFFSET": true, "UNION": true, "VALUES": true,
	"SET": true, "RETURNING": true, "JOIN": true, "LEFT": true, "INNER": true, "WITH": true, "INSERT": true, "UPDATE": true, "DELETE": true, "FOR": true,
	"AND": true, "OR": true,
	"BY": false, "INTO": false, "AS": false, "ON": false, "IN": false, "IS": false, "NOT": false, "NULL": false, "EXISTS": false, "DISTINCT": false, "CONFLICT": false,
	"DO": false, "NOTHING": false, "CASE": false, "WHEN": false, "THEN": false, "ELSE": false, "END": false, "ASC": false, "DESC": false, "NULLS": false, "LAST": false, "FIRST": false,
	"BETWEEN": false, "LIKE": false, "TRUE": false, "FALSE": false, "OVER": false, "PREPARE": false, "BEGIN": false, "COMMIT": false, "ROLLBACK": false, "KEY": false, "NO": false, "SHARE": false, "REPLACE": false,
}

// formatSQL lays a statement out: a line for each clause, a step to the right for
// each query in parentheses.
func formatSQL(text string) []token {
	f := &layout{}
	for _, m := range sqlTokens.FindAllStringSubmatch(text, -1) {
		for i, piece := range m[1:] {
			if piece != "" {
				f.add(sqlClass[i+1], piece)
				break
			}
		}
	}
	return f.out
}

type layout struct {
	out     []token
	parens  []paren // those that are open
	before  string  // the word before, in capitals
	opened  bool    // a parenthesis has just been opened
	between bool    // the AND to come is not a condition's
	depth   int     // of the clauses of the query that we are in
	indent  int     // of the line
}

// paren is an open parenthesis.
type paren struct {
	query  bool // with a query in it
	depth  int  // of the query around it
	indent int  // of the line it is in
}

func (f *layout) add(class, text string) {
	upper := strings.ToUpper(text)
	switch {
	case class == "space":
		if n := len(f.out); n > 0 && !f.opened && f.out[n-1].Class != "line" {
			f.out = append(f.out, token{"", " "})
		}
		return
	case class == "word":
		begins, is := keywords[upper]
		if is {
			class = "keyword"
		}
		if begins {
			f.clause(upper)
		}
		f.before, f.opened = upper, false
	case text == "(":
		f.parens, f.opened = append(f.parens, paren{depth: f.depth, indent: f.indent}), true
	case text == ")":
		if n := len(f.parens); n > 0 {
			if p := f.parens[n-1]; p.query {
				f.depth = p.depth
				f.line(p.indent)
			}
			f.parens = f.parens[:n-1]
		}
		f.opened = false
	default:
		f.opened = false
	}
	f.out = append(f.out, token{class, text})
}

// clause begins a line before a keyword where one begins a clause there.
func (f *layout) clause(word string) {
	inQuery := len(f.parens) == 0 || f.parens[len(f.parens)-1].query
	switch {
	case word == "BETWEEN":
		f.between = true
	case word == "AND" && f.between:
		f.between = false
	case (word == "SELECT" || word == "WITH") && f.opened:
		f.parens[len(f.parens)-1].query = true
		f.depth = f.indent + 1
		f.line(f.depth)
	case !inQuery || len(f.out) == 0, word == "JOIN" && (f.before == "LEFT" || f.before == "INNER"),
		word == "SET" && f.before == "UPDATE", word == "UPDATE" && (f.before == "KEY" || f.before == "FOR" || f.before == "DO"):
	case word == "AND" || word == "OR":
		f.line(f.depth + 1)
	default:
		f.line(f.depth)
	}
}

func (f *layout) line(indent int) {
	if n := len(f.out); n > 0 && f.out[n-1].Text == " " {
		f.out = f.out[:n-1]
	}
	f.indent = indent
	f.out = append(f.out, token{"line", "\n" + strings.Repeat("  ", indent)})
}

// brief is a statement in few words: what it does to which table.
func brief(text string) string {
	if prepared, is := strings.CutPrefix(text, "PREPARE "); is {
		return "PREPARE " + brief(prepared)
	}
	if m := briefly.FindStringSubmatch(text); m != nil {
		table := strings.Trim(m[2], "`\"")
		switch verb := strings.ToUpper(strings.Fields(m[1])[0]); verb {
		case "INSERT":
			return "INSERT INTO " + table
		case "DELETE":
			return "DELETE FROM " + table
		default:
			return verb + " " + table
		}
	}
	if from := tables.FindAllStringSubmatch(text, -1); from != nil && strings.HasPrefix(strings.ToUpper(text), "SELECT") {
		var names []string
		seen := map[string]bool{}
		for _, m := range from {
			if name := strings.Trim(m[1], "`\""); !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
		return "SELECT " + strings.Join(names, ", ")
	}
	return cut(strings.Join(strings.Fields(text), " "), 80)
}

var (
	briefly = regexp.MustCompile("(?i)^\\s*(INSERT(?: OR \\w+)? INTO|UPDATE|DELETE FROM)\\s+([`\"\\w]+)")
	tables  = regexp.MustCompile("(?i)\\b(?:FROM|JOIN)\\s+([`\"\\w]+)")
)
