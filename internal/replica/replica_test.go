package replica_test

import (
	"strings"
	"testing"

	"docket/internal/redistest"
)

// Two servers share what viewers wrote, and a replica is far behind. Who wrote sees
// it at once, on both; who did not, may not.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	store := redistest.Start(t)
	one, two := c.serve(t, shared(store)), c.serve(t, shared(store))
	one.create(t, "anna", "First")
	must(t, c.standbys[0].CaughtUp(t.Context(), c.primary))
	c.pause(t, one, two)
	one.create(t, "anna", "Second")
	for _, s := range []*site{one, two} {
		s.stale(t, "ben", "Second")
		if !s.sees(t, "ben", "First") {
			t.Error("the replica has not what it replayed")
		}
		for range 20 {
			if !s.sees(t, "anna", "Second") {
				t.Fatal("anna does not see what she wrote")
			}
		}
	}
	two.create(t, "ben", "Third") // on the other server
	for range 20 {
		if !one.sees(t, "ben", "Third") || !two.sees(t, "ben", "Second") {
			t.Fatal("ben does not see what he wrote, or what was written before")
		}
	}
	one.stale(t, "carl", "Third")
	must(t, c.standbys[0].Resume(t.Context()))
	must(t, c.standbys[0].CaughtUp(t.Context(), c.primary))
	// Somebody writes past the API; whoever does not see it reads from the replica.
	within(t, "anna reads from the replica again", func() bool {
		must(t, c.standbys[0].CaughtUp(t.Context(), c.primary))
		return readsFrom(t, c, one, "anna")
	})
}

// readsFrom reports whether the viewer reads from the standby: it is paused, and
// lacks then what somebody writes who is not known to anybody.
func readsFrom(t *testing.T, c *cluster, s *site, subject string) bool {
	t.Helper()
	must(t, c.standbys[0].CaughtUp(t.Context(), c.primary))
	must(t, c.standbys[0].Pause(t.Context()))
	exec(t, c.db.DB, "UPDATE clients SET last_name = 'Renamed'")
	renamed := s.sees(t, subject, "Renamed")
	exec(t, c.db.DB, "UPDATE clients SET last_name = 'Reset'")
	must(t, c.standbys[0].Resume(t.Context()))
	return !renamed
}

// What an operation reads after it wrote, in the same request, is what it wrote.
func TestPayloadsAreOfThePrimary(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	s := c.serve(t, nil)
	c.pause(t, s)
	s.create(t, "anna", "Somebody")
	s.stale(t, "ben", "Somebody")
	query := operation(everyone)
	write := operation(`mutation { clientCreate(input: {firstName: "A", lastName: "New"}) { client { lastName } } }`)
	text, err := s.post(t.Context(), "ben", "["+query+","+write+","+query+"]")
	must(t, err)
	parts := strings.Split(text, `"clientCreate"`)
	if len(parts) != 2 || strings.Contains(parts[0], "Somebody") || !strings.Contains(parts[1], "Somebody") || strings.Count(parts[1], "New") != 2 {
		t.Errorf("a batch of a query, a mutation and a query is answered %s", text)
	}
}
