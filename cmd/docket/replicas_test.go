package main

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"docket/internal/pgtest"
)

// A replica that is behind answers queries, but not with less than who asks has
// written themselves.
func TestServeWithReplica(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewPrimary(t)
	standby := pgtest.NewStandby(t, primary)
	url := serving(t, "--database", primary.DSN("postgres"), "--database-replicas", standby.DSN("postgres"), "--replica-lag", "5m")
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("postgres", primary.DSN("postgres"))
	do(err)
	t.Cleanup(func() { _ = db.Close() })
	create := func(name string) {
		t.Helper()
		ask(t, url, fmt.Sprintf(`mutation { clientCreate(input: {firstName: "Ada", lastName: %q}) { client { id } } }`, name))
	}
	sees := func(name string) bool {
		t.Helper()
		return strings.Contains(ask(t, url, `{ clients { edges { node { lastName } } } }`), name)
	}
	create("First")
	do(standby.CaughtUp(t.Context(), primary))
	do(standby.Pause(t.Context()))
	_, err = db.ExecContext(t.Context(), "UPDATE clients SET last_name = 'Elsewhere'")
	do(err)
	for deadline := time.Now().Add(30 * time.Second); sees("Elsewhere"); time.Sleep(20 * time.Millisecond) { // until the server knows how far the replica is
		if time.Now().After(deadline) {
			t.Fatal("no replica answers")
		}
	}
	create("Second")
	if !sees("Second") {
		t.Error("what was written is not seen")
	}
}
