package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"time"
)

// operation is one mutation that was asked for, and what came of it.
type operation struct {
	key     string // its own name; the idempotencyKey, where the API takes one
	verb    string
	input   map[string]any
	asked   int  // how often
	late    bool // it was settled when others had come after it
	outcome outcome
	code    string // of the error, "" where there was no answer
	got     answer // where it was acknowledged
}

// outcome is what a caller knows of an operation.
type outcome int

const (
	unknown      outcome = iota // no answer, or one that leaves it open
	acknowledged                // it was done
	refused                     // it was not
)

// answer is the row that a mutation answers with, or the slots.
type answer struct {
	ID            string
	Version       int
	State, Status string
	Appointment   struct{ ID string }
	Edges         []struct {
		Node struct {
			ID       string
			TimeSlot time.Time
		}
	}
}

// selections are what is read of the payload of each verb, as "row".
var selections = map[string]string{
	"reservationCreate":     "row: reservation { id version state appointment { id } }",
	"reservationConfirm":    "row: reservation { id version state appointment { id } }",
	"reservationCancel":     "row: reservation { id version state appointment { id } }",
	"reservationReschedule": "row: reservation { id version state appointment { id } }",
	"appointmentCancel":     "row: appointment { id version status }",
	"appointmentBulkCreate": "row: appointments(first: 500) { edges { node { id timeSlot } } }",
	"clientCreate":          "row: client { id version }",
	"providerCreate":        "row: provider { id version }",
}

// document is the GraphQL of a verb.
func document(verb string) string {
	input := string(verb[0]-'a'+'A') + verb[1:] + "Input!"
	return fmt.Sprintf("mutation($in: %s) { it: %s(input: $in) { %s } }", input, verb, selections[verb])
}

// problem is an error as consumers see it.
type problem struct {
	Message    string
	Extensions struct {
		Code      string
		Retryable bool
		Done      *bool // false: it was not; absent: nobody knows
	}
}

// ask sends a document, and returns an error where no answer came.
func ask(ctx context.Context, client *http.Client, url, document string, variables, data any) ([]problem, error) {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	all := struct {
		Data   any
		Errors []problem
	}{Data: data}
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		return nil, err
	}
	return all.Errors, nil
}

// refusals are the codes that say that nothing was done.
var refusals = []string{
	"SLOT_TAKEN", "SLOT_HELD", "CLIENT_BUSY", "RESERVATION_CANCELLED", "APPOINTMENT_CANCELLED", "PROVIDER_BUSY",
	"BAD_USER_INPUT",
}

// open are the codes that leave it open whether it was done.
var open = []string{"UNAVAILABLE", "TIMEOUT"}

// perform sends the operation once, and notes what came of it. False means an
// answer that no fault excuses. That nothing was done for want of a database, or
// for others, is about this time only: of an earlier one it says nothing.
func (o *operation) perform(ctx context.Context, client *http.Client, url func() string, keyed bool) bool {
	input := o.input
	if keyed {
		input = map[string]any{"idempotencyKey": o.key}
		for name, v := range o.input {
			input[name] = v
		}
	}
	var data struct{ It struct{ Row answer } }
	problems, err := ask(ctx, client, url(), document(o.verb), map[string]any{"in": input}, &data)
	for errors.Is(err, syscall.ECONNREFUSED) && ctx.Err() == nil { // nobody has seen it yet
		time.Sleep(5 * time.Millisecond)
		problems, err = ask(ctx, client, url(), document(o.verb), map[string]any{"in": input}, &data)
	}
	o.outcome, o.code = unknown, ""
	o.asked++
	switch {
	case err != nil:
		return true
	case len(problems) == 0:
		o.outcome, o.got = acknowledged, data.It.Row
		return o.got.ID != "" || o.got.Edges != nil
	}
	told := problems[0].Extensions
	o.code = told.Code
	switch {
	case slices.Contains(refusals, told.Code):
		o.outcome = refused
		return true
	case told.Code == "CONTENTION", told.Code == "UNAVAILABLE" && told.Done != nil && !*told.Done:
		if o.asked == 1 {
			o.outcome = refused
		}
		return true
	default:
		return slices.Contains(open, told.Code) && told.Retryable
	}
}
