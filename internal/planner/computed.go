package planner

import (
	"fmt"
	"strconv"
	"time"

	"docket/internal/scalar"
)

// Rows are what a computed field gets: the columns it needs of each row of a
// page. Columns count as in [Computed.Columns].
type Rows struct {
	run   *run
	needs []int
	rows  [][]datum
}

// Len is the number of rows.
func (r Rows) Len() int { return len(r.rows) }

// Null reports whether a row has no value in the column.
func (r Rows) Null(i, column int) bool { return r.rows[i][r.needs[column]].null() }

// Text is the value of a row in a column: a text, an enum, a number as digits.
func (r Rows) Text(i, column int) string { return r.run.value(r.rows[i][r.needs[column]]) }

// Int is the value of a row in a column of numbers or ids.
func (r Rows) Int(i, column int) (int, error) { return strconv.Atoi(r.Text(i, column)) }

// Time is the value of a row in a column of instants.
func (r Rows) Time(i, column int) (time.Time, error) { return scalar.ParseStored(r.Text(i, column)) }

// Values takes what a computed field makes: one value for each row.
type Values struct {
	json []byte
	ends []int
}

func (v *Values) end() { v.ends = append(v.ends, len(v.json)) }

// Null adds no value.
func (v *Values) Null() { v.json = append(v.json, "null"...); v.end() }

// Bool adds a boolean.
func (v *Values) Bool(b bool) { v.json = strconv.AppendBool(v.json, b); v.end() }

// Int adds a number.
func (v *Values) Int(n int) { v.json = strconv.AppendInt(v.json, int64(n), 10); v.end() }

// Text adds a string, or a value of an enum.
func (v *Values) Text(s string) { v.json = scalar.AppendString(v.json, s); v.end() }

// Texts adds a list of strings, or of values of an enum.
func (v *Values) Texts(all []string) {
	v.json = append(v.json, '[')
	for i, s := range all {
		if i > 0 {
			v.json = append(v.json, ',')
		}
		v.json = scalar.AppendString(v.json, s)
	}
	v.json = append(v.json, ']')
	v.end()
}

// Time adds an instant.
func (v *Values) Time(t time.Time) { v.Text(scalar.FormatTime(t)) }

// compute fills the computed cells of all rows, list by list.
func (r *run) compute(p *plan) error {
	for _, l := range p.lists {
		for n, c := range l.row.computed {
			rows := Rows{run: r, needs: c.needs}
			width := l.row.width()
			for _, s := range r.found[l.index] {
				for i := range s.n {
					at := s.base + i*width
					rows.rows = append(rows.rows, r.arena[at:at+width])
				}
			}
			if len(rows.rows) == 0 {
				continue
			}
			args, err := arguments(c.field, r.vars)
			if err != nil {
				return err
			}
			out := Values{json: r.made}
			if err := c.Resolve(r.ctx, args, rows, &out); err != nil {
				return err
			}
			if len(out.ends) != len(rows.rows) {
				return fmt.Errorf("planner: %s.%s made %d values for %d rows", l.entity.Name, c.Name, len(out.ends), len(rows.rows))
			}
			at := len(r.made)
			for i, end := range out.ends {
				rows.rows[i][len(l.row.cells)+n] = spanOf(at, end)
				at = end
			}
			r.made = out.json
		}
	}
	return nil
}
