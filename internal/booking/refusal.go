package booking

import (
	"fmt"
	"time"
)

// Code names a reason for refusing; it reaches the API as extensions.code.
type Code string

// The codes of refusals. docs/errors.md lists them with their facts.
const (
	SlotTaken            Code = "SLOT_TAKEN"
	SlotHeld             Code = "SLOT_HELD"
	TooSoon              Code = "TOO_SOON"
	ClientBusy           Code = "CLIENT_BUSY"
	ProviderBusy         Code = "PROVIDER_BUSY"
	HoldExpired          Code = "HOLD_EXPIRED"
	ReservationCancelled Code = "RESERVATION_CANCELLED"
	AppointmentCancelled Code = "APPOINTMENT_CANCELLED"
	NotOnGrid            Code = "NOT_ON_GRID"
	StartNotBeforeEnd    Code = "START_NOT_BEFORE_END"
	RangeTooLong         Code = "RANGE_TOO_LONG"
)

// ID is the number of a row. As a fact it reaches the API as a global id.
type ID int

// Refusal is a rule saying no. Facts hold what the asker needs to act: values
// are string, int, bool, [ID] or time.Time (an instant).
type Refusal struct {
	Code    Code
	Message string
	Facts   map[string]any
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Code, r.Message) }

// refuse builds a refusal from alternating names and values of facts.
func refuse(code Code, message string, facts ...any) *Refusal {
	r := &Refusal{Code: code, Message: message, Facts: map[string]any{}}
	for i := 0; i+1 < len(facts); i += 2 {
		v := facts[i+1]
		if t, ok := v.(time.Time); ok {
			v = t.UTC()
		}
		r.Facts[facts[i].(string)] = v
	}
	return r
}
