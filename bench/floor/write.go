package main

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// person appends the fields of a person, the object left open.
func (v *values) person(b []byte, kind string) []byte {
	b = appendID(append(b, `{"id":`...), kind, v.int())
	b = appendText(append(b, `,"firstName":`...), v.text())
	return appendText(append(b, `,"lastName":`...), v.text())
}

// list appends what each writes for each of a list's rows, of which the answer
// has most, and reports whether there were more.
func (v *values) list(b []byte, most int64, each func([]byte) []byte) (_ []byte, more bool) {
	n := v.int()
	for i := range min(n, most) {
		if i > 0 {
			b = append(b, ',')
		}
		b = each(b)
	}
	return b, n > most
}

func writeProvider(v *values) []byte {
	if v.next() != "1" {
		return []byte(`{"data":{"provider":null}}`)
	}
	return append(v.person([]byte(`{"data":{"provider":`), "Provider"), "}}}"...)
}

func writeClients(most int64) func(*values) []byte {
	return func(v *values) []byte {
		last := ""
		b, more := v.list([]byte(`{"data":{"clients":{"edges":[`), most, func(b []byte) []byte {
			last, _, _ = strings.Cut(v.rest, ";")
			return append(v.person(append(b, `{"node":`...), "Client"), "}}"...)
		})
		b = strconv.AppendBool(append(b, `],"pageInfo":{"hasNextPage":`...), more)
		b = append(append(b, `,"endCursor":"`...), last...)
		return append(b, `"}}}}`...)
	}
}

const all = 1 << 20 // rows, more than there are

func writeNested(v *values) []byte {
	b, _ := v.list([]byte(`{"data":{"providers":{"edges":[`), all, func(b []byte) []byte {
		b = append(v.person(append(b, `{"node":`...), "Provider"), `,"appointments":{"edges":[`...)
		b, _ = v.list(b, all, func(b []byte) []byte {
			b = append(v.slot(b), `,"reservations":{"edges":[`...)
			b, _ = v.list(b, all, func(b []byte) []byte {
				b = appendID(append(b, `{"node":{"id":`...), "Reservation", v.int())
				b = strconv.AppendBool(append(b, `,"confirmed":`...), v.next() == "CONFIRMED")
				return append(v.person(append(b, `,"client":`...), "Client"), "}}}"...)
			})
			return append(b, "]}}}"...)
		})
		return append(b, "]}}}"...)
	})
	return append(b, "]}}}"...)
}

// slot appends an appointment and its time, the objects left open.
func (v *values) slot(b []byte) []byte {
	b = appendID(append(b, `{"node":{"id":`...), "Appointment", v.int())
	return appendTime(append(b, `,"timeSlot":`...), v.next())
}

func writeAvailable(v *values) []byte {
	if v.next() != "1" {
		return []byte(`{"data":{"provider":null}}`)
	}
	b := append(v.person([]byte(`{"data":{"provider":`), "Provider"), `,"availableAppointments":{"edges":[`...)
	b, more := v.list(b, 50, func(b []byte) []byte { return append(v.slot(b), "}}"...) })
	return append(strconv.AppendBool(append(b, `],"pageInfo":{"hasNextPage":`...), more), "}}}}}"...)
}

func appendID(b []byte, kind string, id int64) []byte {
	var text [32]byte
	plain := strconv.AppendInt(append(append(text[:0], kind...), ':'), id&(1<<32-1), 10)
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), plain), '"')
}

// appendTime writes an instant that a database wrote in UTC.
func appendTime(b []byte, stored string) []byte {
	date, clock, _ := strings.Cut(stored, " ")
	clock, _, _ = strings.Cut(clock, "+")
	b = append(append(append(b, '"'), date...), 'T')
	return append(append(b, clock...), `Z"`...)
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
