package naive

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Row is a row by the names its columns have in filters, such as createdAt or
// providerID, and its type as __typename. A value is an ID, an int64, a string,
// a time.Time, or nil for NULL.
type Row map[string]any

// ID is the number of a row. Each type has a range of 1<<32 of them.
type ID int64

// Data are the rows of all types.
type Data map[string][]Row

// ranges are the types by the number of the range of their ids, tables are
// where they are stored.
var (
	ranges = []string{"Appointment", "Client", "Provider", "Reservation"}
	tables = map[string]string{
		"Appointment": "appointments", "Client": "clients", "Provider": "providers", "Reservation": "reservations",
	}
)

// Load reads all there is.
func Load(ctx context.Context, db *sql.DB) (Data, error) {
	all := Data{}
	for typ, table := range tables {
		rows, err := load(ctx, db, typ, table)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		all[typ] = rows
	}
	return all, nil
}

func load(ctx context.Context, db *sql.DB, typ, table string) (all []Row, err error) {
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+table+" ORDER BY id") //nolint:gosec // one of the names above
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := Row{"__typename": typ}
		for i, column := range columns {
			row[camel(column)] = stored(column, values[i])
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// stored is the value of a column, whatever a driver makes of it.
func stored(column string, v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC()
	case int64:
		if column == "id" || strings.HasSuffix(column, "_id") {
			return ID(v)
		}
	}
	return v
}

// camel is the name in the API of a column or of an order: providerID for
// provider_id and PROVIDER_ID.
func camel(name string) string {
	words := strings.Split(strings.ToLower(name), "_")
	for i, w := range words[1:] {
		if words[i+1] = strings.ToUpper(w[:1]) + w[1:]; w == "id" {
			words[i+1] = "ID"
		}
	}
	return strings.Join(words, "")
}

func typeOf(id ID) string { return ranges[id>>32] }

// global is the id as consumers see it.
func (id ID) global() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d", typeOf(id), id%(1<<32)))
}

// ParseID reads a global id.
func ParseID(text string) (ID, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	typ, number, _ := strings.Cut(string(raw), ":")
	var n uint32
	if _, scan := fmt.Sscanf(number, "%d", &n); err != nil || scan != nil || !slices.Contains(ranges, typ) {
		return 0, false
	}
	id := ID(slices.Index(ranges, typ))<<32 + ID(n)
	return id, id.global() == text
}

// byID is the row with the id, or nil.
func (d Data) byID(id ID) Row {
	for _, row := range d[typeOf(id)] {
		if row["id"] == id {
			return row
		}
	}
	return nil
}

// related are the rows that an edge leads to: provider, reservations.
func (d Data) related(row Row, edge string) (found []Row) {
	for _, other := range d[typeNamed(edge)] {
		if d.linked(row, other) {
			found = append(found, other)
		}
	}
	return found
}

// typeNamed is the type of a field: Client for client and clients.
func typeNamed(field string) string {
	return strings.TrimSuffix(upperFirst(field), "s")
}

// linked reports whether two rows belong together: one has the other's id, or a
// reservation leads from the client to the provider.
func (d Data) linked(a, b Row) bool {
	refers := func(from, to Row) bool { return from[lowerFirst(to.typ())+"ID"] == to["id"] }
	if refers(a, b) || refers(b, a) {
		return true
	}
	if a.typ() == "Client" && b.typ() == "Provider" || a.typ() == "Provider" && b.typ() == "Client" {
		return slices.ContainsFunc(d["Reservation"], func(r Row) bool { return refers(r, a) && refers(r, b) })
	}
	return false
}

func (r Row) typ() string { return r["__typename"].(string) }

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func upperFirst(s string) string { return string(unicode.ToUpper(rune(s[0]))) + s[1:] }

// Clone is a copy that can be changed.
func (r Row) Clone() Row { return maps.Clone(r) }
