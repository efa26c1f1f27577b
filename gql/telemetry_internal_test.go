package gql

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/lib/pq"

	"docket/internal/booking"
	"docket/internal/gate"
	"docket/internal/txn"
)

// A decision is told by the code that its asker gets; one that has to be made again
// is no failure.
func TestDecision(t *testing.T) {
	t.Parallel()
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"DONE":        nil,
		"SLOT_HELD":   &booking.Refusal{Code: booking.SlotHeld},
		"NOT_FOUND":   &gate.NotFound{Type: "Client"},
		"AGAIN":       fmt.Errorf("%w: moved", txn.ErrAgain),
		"TIMEOUT":     context.DeadlineExceeded,
		"UNAVAILABLE": &pq.Error{Code: "57P01"},
		"INTERNAL":    errors.New("a secret"),
	} {
		if got := decision(err, schema); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
	if got := decision(&pq.Error{Code: "40P01"}, schema); got != "AGAIN" {
		t.Errorf("a deadlock: %s", got)
	}
}
