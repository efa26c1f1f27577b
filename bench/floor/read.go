package main

import (
	"embed"
	"strconv"
	"strings"
	"time"
)

// Each file is one statement, whose one text has the values that an answer is
// written from: numbers and instants end with ";", texts begin with their
// length, lists with their count. That is the cheapest form found, for both
// databases: less is to be made by them, and less to be carried over.
//
//go:embed sql/*.sql
var statements embed.FS

// question is what is asked by one statement.
type question struct {
	name  string
	args  func(id int64, now time.Time) []any
	write func(*values) []byte
}

var (
	week = time.Date(2035, 1, 1, 0, 0, 0, 0, time.UTC)

	none = func(int64, time.Time) []any { return nil }
	byID = func(id int64, _ time.Time) []any { return []any{id} }

	questions = []question{
		{"W1", byID, writeProvider},
		{"W2", none, writeClients(20)},
		{"W3", none, writeNested},
		{"W4", func(id int64, now time.Time) []any {
			return []any{id, now, now.Add(24 * time.Hour), week, week.AddDate(0, 0, 7)}
		}, writeAvailable},
		{"W6", byID, writeClients(50)},
	}
)

func (q question) statement() string {
	text, err := statements.ReadFile("sql/" + q.name + ".sql")
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}

// values are read one after the other.
type values struct{ rest string }

// next is the value before the next ";".
func (v *values) next() string {
	value, rest, _ := strings.Cut(v.rest, ";")
	v.rest = rest
	return value
}

func (v *values) int() int64 {
	n, _ := strconv.ParseInt(v.next(), 10, 64)
	return n
}

func (v *values) text() string {
	length, rest, _ := strings.Cut(v.rest, ":")
	n, _ := strconv.Atoi(length)
	v.rest = rest[n:]
	return rest[:n]
}
