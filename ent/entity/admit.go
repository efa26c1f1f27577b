package entity

import (
	"context"
	stdsql "database/sql"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
)

// Querier asks the database, as part of the transaction that writes.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*stdsql.Rows, error)
	Dialect() string
}

// Admit refuses unless the viewer may create a row of these values, by column.
func (p Policy) Admit(ctx context.Context, db Querier, row map[string]any) error {
	return admit(ctx, db, p.Create.To(ctx), "", row)
}

// admit asks for a row that is not there yet: one is made of its values, and the
// rule is asked of that. A column without a value is null.
func admit(ctx context.Context, db Querier, rows Rows, field string, row map[string]any) error {
	switch {
	case rows.All():
		return nil
	case rows.None():
		return Refuse(ctx, field)
	}
	values := sql.Dialect(db.Dialect()).Select()
	for _, column := range rows.columns(db.Dialect()) {
		values.AppendSelectExprAs(typed(row[column]), column)
	}
	s := sql.Dialect(db.Dialect()).Select("*").From(values.As(candidate)).As(candidate) // as s.C names it
	rows.Narrow(s)
	query, args := s.Query()
	if err := s.Err(); err != nil {
		return err
	}
	found, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	ok := found.Next()
	if err := errors.Join(found.Err(), found.Close()); err != nil {
		return err
	}
	if !ok {
		return Refuse(ctx, field)
	}
	return nil
}

// candidate is what the row is called that a rule is asked of.
const candidate = "candidate"

var ofCandidate = regexp.MustCompile("[\"`]" + candidate + "[\"`]\\.[\"`](\\w+)[\"`]")

// columns are those of the table that decide which of its rows they are.
func (r Rows) columns(name string) (all []string) {
	if r.None() {
		return nil
	}
	s := sql.Dialect(name).Select().From(sql.Table(candidate))
	r.Narrow(s)
	query, _ := s.Query()
	for _, m := range ofCandidate.FindAllStringSubmatch(query, -1) {
		if !slices.Contains(all, m[1]) {
			all = append(all, m[1])
		}
	}
	return all
}

// typed is a value with its type: a parameter alone has none on PostgreSQL.
func typed(v any) sql.Querier {
	return sql.ExprFunc(func(b *sql.Builder) {
		kind := ""
		switch v := reflect.Indirect(reflect.ValueOf(v)); {
		case !v.IsValid():
			b.WriteString("NULL")
			return
		case b.Dialect() != dialect.Postgres:
		case v.CanInt(), v.CanUint():
			kind = "::bigint"
		case v.Kind() == reflect.String:
			kind = "::text"
		case v.Kind() == reflect.Bool:
			kind = "::boolean"
		case v.CanFloat():
			kind = "::double precision"
		case v.Type() == reflect.TypeFor[time.Time]():
			kind = "::timestamptz"
		}
		b.Arg(v).WriteString(kind)
	})
}

// written is a mutation as docket generates it: one that can be narrowed, and
// that reaches the database.
type written struct {
	ent.Mutation
	narrowed
}

type narrowed interface {
	Querier
	WhereP(...func(*sql.Selector))
}

// permit narrows the mutation to the rows, or refuses it.
func (w written) permit(ctx context.Context, op Op, rows Rows, field string) error {
	switch {
	case rows.All():
		return nil
	case rows.None():
		return Refuse(ctx, field)
	}
	for _, edge := range slices.Concat(w.AddedEdges(), w.RemovedEdges(), w.ClearedEdges()) {
		// An edge with a field is a column of the row. Any other is one of some
		// other row, of which nobody was asked whose it is.
		if _, column := w.Field(edge + "_id"); !column {
			return Refuse(ctx, edge)
		}
	}
	if op == Update {
		for _, column := range rows.columns(w.Dialect()) {
			_, set := w.Field(column)
			_, added := w.AddedField(column)
			if set || added || w.FieldCleared(column) {
				return Refuse(ctx, column)
			}
		}
	}
	if op == Create {
		return admit(ctx, w, rows, field, w.values())
	}
	w.WhereP(rows.Narrow)
	return nil
}

// values are those that the mutation sets, by column.
func (w written) values() map[string]any {
	all := map[string]any{}
	for _, name := range w.Fields() {
		all[name], _ = w.Field(name)
	}
	return all
}
