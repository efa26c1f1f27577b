package gql_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"docket/internal/database"
	"docket/internal/scalar"
	"docket/internal/viewer"
)

// tables are all rows of a database, by their table and id, as they are stored.
type tables map[string]map[int]map[string]string

// tableOf are the tables of the types that mutations are about.
var tableOf = map[string]string{"Client": "clients", "Provider": "providers", "Appointment": "appointments", "Reservation": "reservations"}

func dump(t *testing.T, db *database.DB) tables {
	t.Helper()
	all := tables{}
	for _, table := range append(slices.Sorted(maps.Values(tableOf)), "idempotency_keys", "changes") {
		all[table] = map[int]map[string]string{}
		rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			row := map[string]string{}
			for i, v := range values {
				if b, text := v.([]byte); text {
					v = string(b)
				}
				row[columns[i]] = fmt.Sprint(v)
			}
			var id int
			if _, err := fmt.Sscan(row["id"], &id); err != nil {
				t.Fatal(err)
			}
			all[table][id] = row
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		_ = rows.Close()
	}
	return all
}

// delta is what became of a row: nil before it was there, or once it is gone.
type delta struct {
	table   string
	id      int
	was, is map[string]string
	columns string // those that have another value
}

func changed(before, after tables) (all []delta) {
	for table := range before {
		ids := maps.Clone(before[table])
		maps.Copy(ids, after[table])
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			d := delta{table: table, id: id, was: before[table][id], is: after[table][id]}
			for _, column := range slices.Sorted(maps.Keys(ids[id])) {
				if d.was != nil && d.is != nil && d.was[column] != d.is[column] {
					d.columns += column + " "
				}
			}
			if d.was == nil || d.is == nil || d.columns != "" {
				all = append(all, d)
			}
		}
	}
	return all
}

func (all tables) of(typ string) []int { return slices.Sorted(maps.Keys(all[tableOf[typ]])) }

func (all tables) has(id int) bool { return all[tableOf[scalar.TypeOf(id)]][id] != nil }

// mine reports whether the row of the table with the id is the viewer's own.
func (all tables) mine(v viewer.Viewer, table, id string) bool {
	role := viewer.Role(strings.TrimSuffix(table, "s"))
	for _, row := range all[table] {
		if row["id"] == id {
			return v.Subject != "" && v.Is(role) && row["subject"] == v.Subject
		}
	}
	return false
}

// wants reports whether the mutation is to have a slot, and by somebody who might:
// they are told why they cannot have it.
func (all tables) wants(m mutation) bool {
	client, _ := m.input["clientId"].(string)
	if id, ok := m.input["reservationId"].(string); ok {
		n, _ := scalar.ParseID(id)
		return all.mine(m.who, "clients", all["reservations"][n]["client_id"])
	}
	n, _ := scalar.ParseID(client)
	return all.mine(m.who, "clients", fmt.Sprint(n))
}

// grants says which rows a mutation may change, and which of their columns: what
// policies say, once more, by mutation. Nothing else may.
func (all tables) grants(m mutation, d delta) bool {
	switch d.table {
	case "changes":
		return d.was == nil && d.is["viewer"] == m.who.Subject
	case "idempotency_keys":
		return d.was == nil && d.is["asker"] == m.who.Subject && d.is["key"] == m.input["idempotencyKey"]
	}
	row := d.was
	if row == nil {
		row = d.is
	}
	admin := m.who.Is(viewer.Admin)
	input := func(field string) string {
		id, _ := m.input[field].(string)
		n, _ := scalar.ParseID(id)
		return fmt.Sprint(n)
	}
	only := func(columns string) bool {
		for _, c := range strings.Fields(d.columns) {
			if !slices.Contains(strings.Fields(columns+" version updated_at"), c) {
				return false
			}
		}
		return d.was != nil && d.is != nil
	}
	created, deleted, own := d.was == nil, d.is == nil, row["id"] == input("id")
	client := admin || all.mine(m.who, "clients", row["client_id"])
	provider := admin || all.mine(m.who, "providers", row["provider_id"])
	switch m.field + " " + d.table {
	case "clientCreate clients", "clientBulkCreate clients", "providerCreate providers", "providerBulkCreate providers":
		return admin && created
	case "clientDelete clients", "providerDelete providers":
		return admin && deleted && own
	case "clientDelete reservations":
		return admin && deleted && row["client_id"] == input("id")
	case "providerDelete appointments", "providerDelete reservations":
		return admin && deleted && row["provider_id"] == input("id")
	case "clientUpdate clients":
		return own && (admin && only("first_name last_name subject") || all.mine(m.who, d.table, row["id"]) && only("first_name last_name"))
	case "providerUpdate providers":
		return own && (admin && only("first_name last_name time_zone subject") ||
			all.mine(m.who, d.table, row["id"]) && only("first_name last_name time_zone"))
	case "appointmentBulkCreate appointments":
		return provider && created && row["provider_id"] == input("providerId")
	case "appointmentCancel appointments":
		return provider && row["id"] == input("appointmentId") && only("status")
	case "appointmentCancel reservations":
		return provider && row["appointment_id"] == input("appointmentId") && only("state cancelled_at active_until")
	case "reservationCreate reservations":
		return client && created && row["client_id"] == input("clientId") && row["appointment_id"] == input("appointmentId")
	case "reservationConfirm reservations":
		return client && row["id"] == input("reservationId") && only("state confirmed_at active_until")
	case "reservationCancel reservations":
		return client && row["id"] == input("reservationId") && only("state cancelled_at active_until")
	case "reservationReschedule reservations":
		return client && row["id"] == input("reservationId") && d.is["appointment_id"] == input("appointmentId") &&
			only("appointment_id provider_id time_slot ends_at active_from")
	}
	return false
}
