package naive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql"

	"docket/internal/naive"
)

// generator makes rows that the constraints of the databases allow.
type generator struct {
	*rand.Rand
	rows     naive.Data
	texts    []string
	instants []time.Time
	people   int // so far
}

// change is one row inserted, updated or deleted.
type change struct {
	kind string // INSERT, UPDATE, DELETE
	row  naive.Row
	only []string // the fields that an update sets
}

var types = []string{"Provider", "Client", "Appointment", "Reservation"}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), rows: naive.Data{}} //nolint:gosec // a test that can be repeated
	for range 8 {
		text := g.text()
		g.texts = append(g.texts, text, swapped(text))
	}
	for _, d := range []time.Duration{-48 * time.Hour, -time.Hour, 0, time.Hour, 24 * time.Hour, 25 * time.Hour} {
		at := now.Add(d)
		g.instants = append(g.instants, at, at.Add(-time.Microsecond), at.Add(time.Microsecond), at.Truncate(time.Second))
	}
	g.instants = append(
		g.instants, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9998, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 500000000, time.UTC), time.Date(2029, 2, 28, 12, 0, 0, 100000, time.UTC),
	)
	return g
}

// pieces are what texts are made of: what sorts, folds, escapes or counts in its
// own way somewhere.
var pieces = []string{
	"a", "A", "b", "B", "z", "Z", "aB", "Zz", "0", "é", "e\u0301", "É", "ß", "İ", "ı", "K", "Å", "😀", "𝒳", "中", "\uFB03", "\U0010FFFF",
	`"`, `\`, "%", "_", "'", "`", " ", "\u00A0", "\u200B", "\u2028", "\uFEFF", "~", "/", ":", ";", "{", "}", "$1", "?", "--", "null", "[", "^", "*", ".", "\x7F", "&", "<",
	"\t", "\n", "\x01",
}

func (g *generator) text() string {
	n := 1 + g.IntN(4)
	if g.IntN(12) == 0 {
		n = 30
	}
	var s strings.Builder
	for range n {
		s.WriteString(pick(g.Rand, pieces))
	}
	text := []rune(s.String())
	return string(text[:min(len(text), 100)])
}

// swapped is the text with A to Z for a to z, and the other way round.
func swapped(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}, s)
}

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

func (g *generator) name() string {
	if g.IntN(8) == 0 {
		return g.text()
	}
	return pick(g.Rand, g.texts)
}

func (g *generator) instant() time.Time {
	if g.IntN(4) > 0 {
		return pick(g.Rand, g.instants)
	}
	units := []time.Duration{time.Microsecond, time.Millisecond, time.Second, time.Hour}
	return now.Add(time.Duration(g.IntN(4000)-2000) * pick(g.Rand, units))
}

func (g *generator) maybe(v any) any {
	if g.IntN(2) == 0 {
		return nil
	}
	return v
}

// fill makes the rows of a new database.
func (g *generator) fill() (all []change) {
	for _, typ := range types {
		n := map[string]int{"Provider": 10, "Client": 20, "Appointment": 50, "Reservation": 80}[typ]
		for range g.IntN(n) + n/3 {
			all = append(all, g.insert(typ))
		}
	}
	return all
}

// insert makes a row and notes it.
func (g *generator) insert(typ string) change {
	row := map[string]func() naive.Row{
		"Client": g.client, "Provider": g.provider, "Appointment": g.appointment, "Reservation": g.reservation,
	}[typ]()
	row["__typename"], row["id"] = typ, g.id(typ)
	row["createdAt"], row["updatedAt"], row["version"] = g.instant(), g.instant(), int64(1+g.IntN(3))
	at, _ := slices.BinarySearchFunc(g.rows[typ], row["id"].(naive.ID), func(r naive.Row, id naive.ID) int {
		return int(r["id"].(naive.ID) - id)
	})
	g.rows[typ] = slices.Insert(g.rows[typ], at, row)
	return change{kind: "INSERT", row: row}
}

// id is one that no row of the type has.
func (g *generator) id(typ string) naive.ID {
	from := naive.ID(slices.Index([]string{"Appointment", "Client", "Provider", "Reservation"}, typ)) << 32
	for {
		id := from + naive.ID(1+g.IntN(300))
		if g.IntN(50) == 0 {
			id = from + 1<<32 - 1
		}
		if !slices.ContainsFunc(g.rows[typ], func(r naive.Row) bool { return r["id"] == id }) {
			return id
		}
	}
}

func (g *generator) client() naive.Row { return g.person("Client") }

func (g *generator) provider() naive.Row {
	p := g.person("Provider")
	p["timeZone"] = pick(g.Rand, []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"})
	return p
}

// both is the subject of the first client and of the first provider.
const both = "both"

func (g *generator) person(typ string) naive.Row {
	p := naive.Row{"firstName": g.name(), "lastName": g.name(), "subject": both}
	if len(g.rows[typ]) > 0 {
		g.people++
		p["subject"] = g.maybe(fmt.Sprint(g.name(), g.people)) // nobody else's
	}
	return p
}

func (g *generator) appointment() naive.Row {
	start := g.instant()
	a := naive.Row{
		"providerID": pick(g.Rand, g.rows["Provider"])["id"], "timeSlot": start, "status": "OPEN",
		"endsAt": start.Add(pick(g.Rand, []time.Duration{time.Microsecond, time.Second, 15 * time.Minute, time.Hour})),
	}
	busy := func(o naive.Row) bool {
		return o["status"] == "OPEN" && o["providerID"] == a["providerID"] && overlap(a, o, "timeSlot", "endsAt")
	}
	if g.IntN(6) == 0 || slices.ContainsFunc(g.rows["Appointment"], busy) {
		a["status"] = "CANCELLED"
	}
	return a
}

func (g *generator) reservation() naive.Row {
	a := pick(g.Rand, g.rows["Appointment"])
	expiry := g.instant()
	r := naive.Row{
		"clientID": pick(g.Rand, g.rows["Client"])["id"], "appointmentID": a["id"], "providerID": a["providerID"],
		"timeSlot": a["timeSlot"], "endsAt": a["endsAt"], "state": pick(g.Rand, []string{"HELD", "HELD", "CONFIRMED", "CANCELLED"}),
		"expiry": expiry, "activeFrom": expiry.Add(-30 * time.Minute), "activeUntil": expiry,
		"confirmedAt": g.maybe(g.instant()), "cancelledAt": g.maybe(g.instant()),
	}
	if r["state"] == "CONFIRMED" {
		r["activeUntil"] = nil
	}
	taken := func(o naive.Row) bool {
		return overlap(r, o, "activeFrom", "activeUntil") &&
			(o["appointmentID"] == r["appointmentID"] || o["clientID"] == r["clientID"] && overlap(r, o, "timeSlot", "endsAt"))
	}
	if expiry.Year() < 2 || slices.ContainsFunc(g.rows["Reservation"], taken) {
		r["state"], r["activeFrom"], r["activeUntil"] = "CANCELLED", expiry, expiry // an empty span
	}
	return r
}

// overlap reports whether two rows share an instant; a span without an end goes on.
func overlap(a, b naive.Row, start, end string) bool {
	ends := func(r naive.Row) time.Time {
		if r[end] == nil {
			return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
		}
		return r[end].(time.Time)
	}
	from, to := a[start].(time.Time), ends(a)
	if o := b[start].(time.Time); o.After(from) {
		from = o
	}
	if o := ends(b); o.Before(to) {
		to = o
	}
	return from.Before(to)
}

// churn makes one change to what is there.
func (g *generator) churn() change {
	typ := pick(g.Rand, types)
	if n := len(g.rows[typ]); n == 0 || g.IntN(5) < 2 && n < 80 {
		if slices.ContainsFunc(types, func(t string) bool { return len(g.rows[t]) == 0 }) {
			typ = "Provider" // which needs no other
		}
		return g.insert(typ)
	}
	row := pick(g.Rand, g.rows[typ])
	if g.IntN(5) < 2 && (len(g.rows[typ]) > 5) {
		g.remove(row)
		return change{kind: "DELETE", row: row}
	}
	set := map[string]any{"updatedAt": g.instant(), "version": row["version"].(int64) + 1}
	switch typ {
	case "Client", "Provider":
		set["lastName"] = g.name()
	case "Appointment":
		set["status"] = "CANCELLED"
	case "Reservation":
		set["cancelledAt"], set["confirmedAt"] = g.maybe(g.instant()), g.maybe(g.instant())
		if row["state"] == "HELD" {
			set["state"] = pick(g.Rand, []string{"HELD", "CANCELLED"})
		}
	}
	c := change{kind: "UPDATE", row: row}
	for name, v := range set {
		row[name] = v
		c.only = append(c.only, name)
	}
	slices.Sort(c.only)
	return c
}

// remove forgets a row and those that are deleted with it.
func (g *generator) remove(row naive.Row) {
	typ := row["__typename"].(string)
	for t, rows := range g.rows {
		g.rows[t] = slices.DeleteFunc(rows, func(r naive.Row) bool {
			return r["id"] == row["id"] || r[strings.ToLower(typ)+"ID"] == row["id"]
		})
	}
}

var capital = regexp.MustCompile(`ID|[A-Z]`)

// column is the name of a field in the database.
func column(field string) string {
	return capital.ReplaceAllStringFunc(field, func(s string) string { return "_" + strings.ToLower(s) })
}

func table(row naive.Row) string { return strings.ToLower(row["__typename"].(string)) + "s" }

// apply makes a change to all databases.
func (w *world) apply(t testing.TB, c change) {
	t.Helper()
	var fields []string
	for name := range c.row {
		if name != "__typename" {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	stored := func(v any) any {
		if id, ok := v.(naive.ID); ok {
			return int64(id)
		}
		return v
	}
	for _, s := range w.sides {
		on := sql.Dialect(s.name)
		var query string
		var args []any
		switch c.kind {
		case "INSERT":
			b := on.Insert(table(c.row))
			for _, name := range fields {
				b.Set(column(name), stored(c.row[name]))
			}
			query, args = b.Query()
		case "UPDATE":
			b := on.Update(table(c.row)).Where(sql.EQ("id", stored(c.row["id"])))
			for _, name := range c.only {
				b.Set(column(name), c.row[name])
			}
			query, args = b.Query()
		default:
			query, args = on.Delete(table(c.row)).Where(sql.EQ("id", stored(c.row["id"]))).Query()
		}
		if _, err := s.db.ExecContext(context.Background(), query, args...); err != nil {
			row, _ := json.Marshal(c.row)
			t.Fatalf("%s %s %s: %v", s.name, c.kind, row, err)
		}
	}
}
