package overlap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/lib/pq"
	"modernc.org/sqlite"

	"docket/ent/orm"
)

// Hook makes every refusal of an exclusion a [Conflict].
func Hook(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		v, err := next.Mutate(ctx, m)
		var known *Conflict
		var pg *pq.Error
		var lite *sqlite.Error
		switch {
		case errors.As(err, &known):
			if known.With == nil && known.key == nil { // many rows in one statement: perhaps it is about this one
				return v, errors.Join(err, known.search(ctx, m))
			}
		case errors.As(err, &pg):
			if x := called(pg.Constraint); x != nil {
				// Its transaction has failed, and answers no more: [Explain] asks.
				return v, &Conflict{Exclusion: x, cause: err, key: existing(pg.Detail)}
			}
		case errors.As(err, &lite):
			if x := raised(lite.Error()); x != nil {
				conflict := &Conflict{Exclusion: x, cause: err}
				return v, errors.Join(conflict, conflict.search(ctx, m))
			}
		}
		return v, err
	})
}

// Explain completes a [Conflict] with the row in the way, once the transaction
// that met it is over. Any other error stays as it is.
func Explain(ctx context.Context, db *orm.Client, err error) error {
	var c *Conflict
	if !errors.As(err, &c) || c.With != nil || c.key == nil {
		return err
	}
	where := []string{c.Scope + " = ?"}
	for _, s := range c.Spans {
		where = append(where, fmt.Sprintf("tstzrange(%s, %s) = ?::tstzrange", s.Start, s.End))
	}
	return errors.Join(err, c.read(ctx, db, strings.Join(where, " AND "), c.key))
}

func called(constraint string) *Exclusion {
	for i := range declared {
		if declared[i].Constraint == constraint {
			return &declared[i]
		}
	}
	return nil
}

// raised finds the exclusion whose trigger spoke: it raises its name, around
// which the driver puts words and a code.
func raised(text string) *Exclusion {
	for _, word := range strings.Fields(text) {
		if x := called(word); x != nil {
			return x
		}
	}
	return nil
}

// oneRange is a range as PostgreSQL writes it; either end may be missing.
var oneRange = regexp.MustCompile(`\[(?:"[^"]*")?,(?:"[^"]*")?\)`)

// existing reads the values of the row in the way from what PostgreSQL says:
// Key (…)=(…) conflicts with existing key (…)=(8589934593, ["…","…")).
func existing(detail string) []any {
	_, rest, _ := strings.Cut(detail, "conflicts with existing key ")
	_, rest, _ = strings.Cut(rest, ")=(")
	scope, _, _ := strings.Cut(rest, ",")
	n, err := strconv.Atoi(scope)
	if err != nil {
		return nil
	}
	key := []any{n}
	for _, span := range oneRange.FindAllString(rest, -1) {
		key = append(key, span)
	}
	return key
}

// search looks, on SQLite, for the row in the way of the one that m would have
// written. The statement is undone, but its transaction goes on.
func (c *Conflict) search(ctx context.Context, m ent.Mutation) error {
	client, ok := m.(interface{ Client() *orm.Client })
	if !ok || !m.Op().Is(ent.OpCreate|ent.OpUpdateOne) {
		return nil // of many rows, which one it was is not told
	}
	value := func(column string) (any, error) {
		if v, ok := m.Field(column); ok {
			return v, nil
		}
		if m.Op().Is(ent.OpCreate) || m.FieldCleared(column) {
			return nil, nil
		}
		return m.OldField(ctx, column)
	}
	id := 0
	if known, ok := m.(interface{ ID() (int, bool) }); ok {
		id, _ = known.ID()
	}
	scope, err := value(c.Scope)
	if err != nil {
		return err
	}
	where, args := []string{"id <> ?", c.Scope + " = ?"}, []any{id, scope}
	for _, s := range c.Spans {
		start, err := value(s.Start)
		if err != nil {
			return err
		}
		end, err := value(s.End)
		if err != nil {
			return err
		}
		where = append(where, fmt.Sprintf("(%s IS NULL OR %s > ?) AND (? IS NULL OR %s < ?)", s.End, s.End, s.Start))
		args = append(args, start, end, end)
	}
	if c.Where != nil {
		where = append(where, fmt.Sprintf("%s = '%s'", c.Where.Column, c.Where.Value))
	}
	return c.read(ctx, client.Client(), strings.Join(where, " AND "), args)
}

// read reads the row in the way, if the viewer may see it.
func (c *Conflict) read(ctx context.Context, db *orm.Client, where string, args []any) (err error) {
	fields := slices.Sorted(maps.Keys(c.Times))
	columns := []string{"id", c.Scope}
	for _, f := range fields {
		columns = append(columns, c.Times[f])
	}
	s := entsql.Dialect(db.Dialect()).Select(columns...).From(entsql.Table(c.Table)).Limit(1)
	s.Where(entsql.P(func(b *entsql.Builder) {
		for i, part := range strings.Split(where, "?") {
			if i > 0 {
				b.Arg(args[i-1])
			}
			b.WriteString(part)
		}
	}))
	c.Policy.Read.To(ctx).Narrow(s)
	query, args := s.Query()
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return rows.Err()
	}
	row := &Row{Times: map[string]time.Time{}}
	times := make([]sql.NullTime, len(fields))
	targets := []any{&row.ID, &row.Scope}
	for i := range times {
		targets = append(targets, &times[i])
	}
	if err := rows.Scan(targets...); err != nil {
		return err
	}
	for i, f := range fields {
		if times[i].Valid {
			row.Times[f] = times[i].Time.UTC()
		}
	}
	c.With = row
	return rows.Err()
}
