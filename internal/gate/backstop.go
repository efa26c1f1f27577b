package gate

import (
	"errors"
	"strings"

	"github.com/lib/pq"
	"modernc.org/sqlite"

	"docket/internal/booking"
)

// backstops are the constraints behind the gate, and what each of them means.
var backstops = map[string]booking.Refusal{
	"reservations_slot_taken": {
		Code: booking.SlotTaken, Message: "The appointment is taken; choose another.",
	},
	"reservations_client_busy": {
		Code: booking.ClientBusy, Message: "The client has another reservation at that time.",
	},
	"appointments_provider_overlap": {
		Code: booking.ProviderBusy, Message: "The range cuts across a slot of this provider that is already open.",
	},
}

// backstop is the refusal behind err, where a constraint of the database made it.
func backstop(err error) error {
	name := ""
	var pg *pq.Error
	var lite *sqlite.Error
	switch {
	case errors.As(err, &pg):
		name = pg.Constraint
	case errors.As(err, &lite):
		// A trigger raises its name; the driver puts words before and a code after it.
		for known := range backstops {
			if strings.Contains(lite.Error(), known) {
				name = known
			}
		}
	}
	if refusal, ok := backstops[name]; ok {
		return &refusal
	}
	return nil
}
