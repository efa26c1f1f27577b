package main

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

type person struct {
	id          int64
	first, last string
}

// append writes the person's fields, the object left open.
func (p person) append(b []byte, kind string) []byte {
	b = appendID(append(b, `{"id":`...), kind, p.id)
	b = appendText(append(b, `,"firstName":`...), p.first)
	return appendText(append(b, `,"lastName":`...), p.last)
}

func writeProvider(rows *sql.Rows) ([]byte, error) {
	var p person
	if !rows.Next() {
		return []byte(`{"data":{"provider":null}}`), nil
	}
	err := rows.Scan(&p.id, &p.first, &p.last)
	return append(p.append([]byte(`{"data":{"provider":`), "Provider"), "}}}"...), err
}

func writeClients(most int) func(*sql.Rows) ([]byte, error) {
	return func(rows *sql.Rows) ([]byte, error) {
		b := []byte(`{"data":{"clients":{"edges":[`)
		var p person
		n := 0
		for ; rows.Next() && n < most; n++ {
			if err := rows.Scan(&p.id, &p.first, &p.last); err != nil {
				return nil, err
			}
			b = append(p.append(append(b, `{"node":`...), "Client"), "}},"...)
		}
		b = strconv.AppendBool(append(closed(b), `],"pageInfo":{"hasNextPage":`...), n == most)
		b = strconv.AppendInt(append(b, `,"endCursor":"`...), p.id, 10)
		return append(b, `"}}}}`...), nil
	}
}

func writeNested(rows *sql.Rows) ([]byte, error) {
	b := []byte(`{"data":{"providers":{"edges":[`)
	var p person
	var slot, reservation sql.NullInt64
	for rows.Next() {
		var r struct {
			provider, client   person
			slot, id, clientID sql.NullInt64
			time, first, last  sql.NullString
			confirmed          sql.NullBool
		}
		if err := rows.Scan(&r.provider.id, &r.provider.first, &r.provider.last, &r.slot, &r.time,
			&r.id, &r.confirmed, &r.clientID, &r.first, &r.last); err != nil {
			return nil, err
		}
		if r.provider.id != p.id {
			b = leave(b, slot.Valid, p.id != 0)
			p, slot = r.provider, sql.NullInt64{}
			b = append(p.append(append(b, `{"node":`...), "Provider"), `,"appointments":{"edges":[`...)
		}
		if r.slot != slot {
			b = leave(b, slot.Valid, false)
			slot, reservation = r.slot, sql.NullInt64{}
			b = appendID(append(b, `{"node":{"id":`...), "Appointment", slot.Int64)
			b = appendTime(append(b, `,"timeSlot":`...), r.time.String)
			b = append(b, `,"reservations":{"edges":[`...)
		}
		if r.id != reservation {
			reservation = r.id
			b = appendID(append(b, `{"node":{"id":`...), "Reservation", r.id.Int64)
			b = strconv.AppendBool(append(b, `,"confirmed":`...), r.confirmed.Bool)
			c := person{r.clientID.Int64, r.first.String, r.last.String}
			b = append(c.append(append(b, `,"client":`...), "Client"), "}}},"...)
		}
	}
	return append(closed(leave(b, slot.Valid, p.id != 0)), "]}}}"...), nil
}

// leave closes the lists of the slot and the provider that the next row is not of.
func leave(b []byte, slot, provider bool) []byte {
	if slot {
		b = append(closed(b), "]}}},"...)
	}
	if provider {
		b = append(closed(b), "]}}},"...)
	}
	return b
}

func writeAvailable(rows *sql.Rows) ([]byte, error) {
	b := []byte(`{"data":{"provider":`)
	n := 0
	for ; rows.Next() && n < 50; n++ {
		var p person
		var slot sql.NullInt64
		var start sql.NullString
		if err := rows.Scan(&p.id, &p.first, &p.last, &slot, &start); err != nil {
			return nil, err
		}
		if n == 0 {
			b = append(p.append(b, "Provider"), `,"availableAppointments":{"edges":[`...)
		}
		if slot.Valid {
			b = appendID(append(b, `{"node":{"id":`...), "Appointment", slot.Int64)
			b = append(appendTime(append(b, `,"timeSlot":`...), start.String), "}},"...)
		}
	}
	if n == 0 {
		return append(b, "null}}"...), nil
	}
	b = strconv.AppendBool(append(closed(b), `],"pageInfo":{"hasNextPage":`...), n == 50)
	return append(b, "}}}}}"...), nil
}

func writeReservation(row *sql.Row) ([]byte, error) {
	var id, appointment int64
	var client person
	var start, expiry string
	if err := row.Scan(&id, &client.id, &appointment, &start, &expiry, &client.first, &client.last); err != nil {
		return nil, err
	}
	b := appendID([]byte(`{"data":{"reserve":{"reservation":{"id":`), "Reservation", id)
	b = appendTime(append(b, `,"expiry":`...), expiry)
	b = append(client.append(append(b, `,"confirmed":false,"client":`...), "Client"), '}')
	b = appendID(append(b, `,"appointment":{"id":`...), "Appointment", appointment)
	return append(appendTime(append(b, `,"timeSlot":`...), start), "}}}}}"...), nil
}

// closed takes back the comma after a list's last element.
func closed(b []byte) []byte {
	if b[len(b)-1] == ',' {
		return b[:len(b)-1]
	}
	return b
}

func appendID(b []byte, kind string, id int64) []byte {
	var text [32]byte
	plain := strconv.AppendInt(append(append(text[:0], kind...), ':'), id&(1<<32-1), 10)
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), plain), '"')
}

func appendTime(b []byte, stored string) []byte {
	date, clock, _ := strings.Cut(stored, " ")
	b = append(append(append(b, '"'), date...), 'T')
	return append(append(b, clock...), '"')
}

// appendText quotes a text; most need nothing but the quotes.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // a string cannot fail
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}
